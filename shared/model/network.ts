/** A network is a group of users: its members may see, reach and message one another. */
import { z } from 'zod'
import type { NetworkId } from '../ids.ts'
import { userIdSchema } from './identifiers.ts'
import type { JsonObject } from './json.ts'
import { attributesSchema, nameSchema } from './user.ts'

export interface Network {
  readonly network: NetworkId
  readonly name: string
  readonly attributes: JsonObject
  /** How many members are owners: a network that has one keeps one. */
  readonly owners: number
  readonly createdAt: number
  readonly updatedAt: number
  readonly version: number
}

export const newNetworkSchema = z.strictObject({
  name: nameSchema,
  attributes: attributesSchema.default({}),
  /** First owner; a peer that makes a network is its owner itself. */
  owner: userIdSchema.optional(),
})
