/** Request schemas that several entities share. */
import { z } from 'zod'
import { LIMITS } from '../../shared/limits.ts'
import { collectionNameSchema } from '../../shared/model/collection.ts'
import { networkIdSchema } from '../../shared/model/identifiers.ts'
import { jsonObject } from '../../shared/model/json.ts'
import { JOININGS } from '../../shared/model/network.ts'
import { attributesSchema, nameSchema } from '../../shared/model/user.ts'
import { editableWebhookSchema } from '../../shared/model/webhook.ts'
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

/** A merge patch of a webhook; null for `network` or `collection` removes the restriction. */
export const webhookPatchSchema = editableWebhookSchema
  .extend({ network: networkIdSchema.nullable(), collection: collectionNameSchema.nullable() })
  .partial()

export const objectPatchSchema = z.strictObject({ value: jsonObject(LIMITS.objectBytes) })
