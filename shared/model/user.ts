/** A user owns peers and is a member of networks. */
import { z } from 'zod'
import type { NetworkId, PeerId, UserId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import { type JsonObject, jsonObject, textUpTo } from './json.ts'

export interface User {
  readonly user: UserId
  readonly name: string
  readonly attributes: JsonObject
  /** `issuer#subject` at the team's identity provider, where the user came from there. */
  readonly subject?: string
  /** Kept with the memberships, in the same transactions: what a ticket says, and what the limit counts. */
  readonly networks: readonly NetworkId[]
  /** Peers and users from whom this user takes nothing; they ride in the ticket. */
  readonly blocks: readonly (PeerId | UserId)[]
  readonly createdAt: number
  readonly updatedAt: number
  /** Grows with every change of name or attributes: the ETag. */
  readonly version: number
}

export const nameSchema = textUpTo(128).refine((name) => name.trim() !== '', 'is empty')
export const attributesSchema = jsonObject(LIMITS.attributesBytes)

export const newUserSchema = z.strictObject({
  name: nameSchema,
  attributes: attributesSchema.default({}),
  subject: textUpTo(512).optional(),
})

/** What may be edited of users and peers. */
export const editableSchema = z.strictObject({ name: nameSchema, attributes: attributesSchema })
