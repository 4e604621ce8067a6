/** A network is a group of users: its members may see, reach and message one another. */
import { z } from 'zod'
import type { NetworkId } from '../ids.ts'
import { PATHS, type Paths } from '../paths.ts'
import { userIdSchema } from './identifiers.ts'
import type { JsonObject } from './json.ts'
import { attributesSchema, editableSchema, nameSchema } from './user.ts'

export interface Network {
  readonly network: NetworkId
  readonly name: string
  readonly attributes: JsonObject
  /** What tunnels between its members may use; enforced by the HANDSHAKE. Of several networks shared, the strictest holds. */
  readonly paths: Paths
  /** How many members are owners: a network that has one keeps one. */
  readonly owners: number
  readonly createdAt: number
  readonly updatedAt: number
  readonly version: number
}

const pathsSchema = z.enum(PATHS)

/** What may be edited of a network. */
export const editableNetworkSchema = editableSchema.extend({ paths: pathsSchema })

export const newNetworkSchema = z.strictObject({
  name: nameSchema,
  attributes: attributesSchema.default({}),
  paths: pathsSchema.default('auto'),
  /** First owner; a peer that makes a network is its owner itself. */
  owner: userIdSchema.optional(),
})
