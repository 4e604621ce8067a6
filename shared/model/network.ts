/** A network is a group of users: its members may see, reach and message one another. */
import { z } from 'zod'
import { PATHS } from '../paths.ts'
import type { Joining, NetworkRecord } from '../resources.ts'
import { userIdSchema } from './identifiers.ts'
import { attributesSchema, editableSchema, nameSchema } from './user.ts'

export type { Joining }

/** How users join on their own. `invite`: not at all. `approval`: an admin approves their request. `open`: without approval. */
export const JOININGS = ['invite', 'approval', 'open'] as const satisfies readonly Joining[]

export type Network = NetworkRecord

const pathsSchema = z.enum(PATHS)
const joiningSchema = z.enum(JOININGS)

/** The editable fields of a network. */
export const editableNetworkSchema = editableSchema.extend({ paths: pathsSchema, joining: joiningSchema })

export const newNetworkSchema = z.strictObject({
  name: nameSchema,
  attributes: attributesSchema.default({}),
  paths: pathsSchema.default('auto'),
  joining: joiningSchema.default('invite'),
  /** The first owner, if an API key creates the network. If a peer creates it, the peer's user is the owner. */
  owner: userIdSchema.optional(),
})
