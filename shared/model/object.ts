/**
 * An object is application metadata: `value` is the application's own, `collection` its word for the kind. It is in a
 * network, whose members read it, or private to its owner.
 */
import { z } from 'zod'
import { StraightwayError } from '../errors.ts'
import type { NetworkId, UserId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import type { ObjectRecord } from '../resources.ts'
import { jsonObject } from './json.ts'

export type StoredObject = ObjectRecord

/** Where an object is: in a network, or private to a user. An id names one object of a collection in a place. */
export type Place = NetworkId | UserId

/** Errors: `bad-request` without either. */
export function placeOf({
  network,
  owner,
}: {
  readonly network?: NetworkId | undefined
  readonly owner?: UserId | undefined
}): Place {
  const place = network ?? owner
  if (place === undefined)
    throw new StraightwayError('bad-request', 'network: name the network that the object is in')
  return place
}

export const objectIdSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/,
    'is no object id: letters, digits, `.`, `_`, `~` and `-`, at most 128',
  )
export const objectValueSchema = jsonObject(LIMITS.objectBytes)
export const objectSchema = z.strictObject({ value: objectValueSchema })
