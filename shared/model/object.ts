/**
 * An object is application metadata: `value` is the application's own, `collection` its word for the kind. It belongs to a
 * network, whose members read it, or to nobody but its owner.
 */
import { z } from 'zod'
import { LIMITS } from '../limits.ts'
import type { ObjectRecord } from '../resources.ts'
import { networkIdSchema } from './identifiers.ts'
import { jsonObject } from './json.ts'

export type StoredObject = ObjectRecord

export const objectIdSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/,
    'is no object id: letters, digits, `.`, `_`, `~` and `-`, at most 128',
  )
export const objectValueSchema = jsonObject(LIMITS.objectBytes)
export const objectSchema = z.strictObject({ network: networkIdSchema.optional(), value: objectValueSchema })
