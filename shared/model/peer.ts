/** A peer is one running endpoint with its own key, bound to the user it acts for. */
import { z } from 'zod'
import type { PeerId, UserId } from '../ids.ts'
import type { PresenceRecord } from '../presence.ts'
import { peerIdSchema, userIdSchema } from './identifiers.ts'
import type { JsonObject } from './json.ts'
import { attributesSchema, nameSchema } from './user.ts'

export interface Peer {
  readonly peer: PeerId
  readonly user: UserId
  readonly name: string
  readonly attributes: JsonObject
  readonly createdAt: number
  readonly updatedAt: number
  readonly version: number
  /** A revoked peer gets no ticket and cannot enrol again. */
  readonly revokedAt?: number
}

/** What a peer says of itself at the moment. */
export type LivePresence = Omit<PresenceRecord, 'peer' | 'user'>

/** A peer as others find it: what is kept of it, and its presence as they may see it. */
export interface PeerWithPresence extends Peer {
  readonly presence: LivePresence
}

export const newPeerSchema = z.strictObject({
  peer: peerIdSchema,
  user: userIdSchema,
  name: nameSchema.default('peer'),
  attributes: attributesSchema.default({}),
})
