/** A user owns peers and is a member of networks. */
import { z } from 'zod'
import { LIMITS } from '../limits.ts'
import type { UserDetails } from '../resources.ts'
import { jsonObject, textUpTo } from './json.ts'

/** `networks` is kept with the memberships, in the same transactions; `version` is the ETag of name and attributes. */
export interface User extends UserDetails {
  /** Version of its blocks (shared/store/blocks.ts); 0 while it has never blocked anybody. */
  readonly blocks: number
}

/** In Unicode's form NFC, so that what looks the same is the same. */
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

/** What may be edited of users and peers. */
export const editableSchema = z.strictObject({ name: nameSchema, attributes: attributesSchema })
