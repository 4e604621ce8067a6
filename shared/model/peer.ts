/** A peer is one running endpoint with its own key, bound to the user it acts for. */
import { z } from 'zod'
import type { PeerRecord, StoredPeer } from '../resources.ts'
import { peerIdSchema, userIdSchema } from './identifiers.ts'
import { attributesSchema, nameSchema } from './user.ts'

export type Peer = StoredPeer

/** A peer as others find it: what is kept of it, and its presence as they may see it. */
export type PeerWithPresence = PeerRecord

/** What a peer says of itself at the moment. */
export type LivePresence = PeerRecord['presence']

/** What a viewer sees of a peer whose user blocks it since then: always the same, whatever the peer does. */
export function hiddenSince(blockedAt: number): LivePresence {
  return { status: 'offline', custom: '', metadata: {}, since: 0, version: 0, lastSeenAt: blockedAt }
}

export const newPeerSchema = z.strictObject({
  peer: peerIdSchema,
  user: userIdSchema,
  name: nameSchema.default('peer'),
  attributes: attributesSchema.default({}),
})
