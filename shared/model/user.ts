/** A user owns peers and is a member of networks. */
import { z } from 'zod'
import { LIMITS } from '../limits.ts'
import type { UserDetails } from '../resources.ts'
import { jsonObject, textUpTo } from './json.ts'

/** A user. `networks` is updated in the same transactions as the memberships; `version` is the ETag of name and attributes. */
export interface User extends UserDetails {
  /** Version of the user's block list (shared/store/blocks.ts); 0 if the user has never blocked anybody. */
  readonly blocks: number
}

/** A name, normalised to Unicode NFC, so that names that look the same are equal. */
export const nameSchema = textUpTo(128, z.string().normalize('NFC')).refine(
  (name) => name.trim() !== '',
  'is empty',
)
export const attributesSchema = jsonObject(LIMITS.attributesBytes)

export const newUserSchema = z.strictObject({
  name: nameSchema,
  attributes: attributesSchema.default({}),
  subject: textUpTo(512).optional(),
})

/** The editable fields of users and peers. */
export const editableSchema = z.strictObject({ name: nameSchema, attributes: attributesSchema })
