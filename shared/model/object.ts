/**
 * An object is metadata of an application, which defines its `value` and names its kind, the `collection`. It is either in a
 * network, whose members can read it, or private to its owner.
 */
import { z } from 'zod'
import { StraightwayError } from '../errors.ts'
import type { NetworkId, UserId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import type { ObjectRecord } from '../resources.ts'
import { jsonObject } from './json.ts'

export type StoredObject = ObjectRecord

/** The place of an object: a network, or the user it is private to. Within a place, collection and id identify an object. */
export type Place = NetworkId | UserId

/** The place of an object: its network, otherwise its owner. Errors: `bad-request` if neither is given. */
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
