/** Request schemas that several entities share. */
import { z } from 'zod'
import { LIMITS } from '../../shared/limits.ts'
import { jsonObject } from '../../shared/model/json.ts'
import { JOININGS } from '../../shared/model/network.ts'
import { attributesSchema, nameSchema } from '../../shared/model/user.ts'
import { PATHS } from '../../shared/paths.ts'

/** A merge patch (RFC 7396) of the editable fields; null within `attributes` removes an entry. */
export const patchSchema = z.strictObject({
  name: nameSchema.optional(),
  attributes: attributesSchema.optional(),
})

export const networkPatchSchema = patchSchema.extend({
  paths: z.enum(PATHS).optional(),
  joining: z.enum(JOININGS).optional(),
})

export const objectPatchSchema = z.strictObject({ value: jsonObject(LIMITS.objectBytes) })
