/** A peer is a running endpoint with its own key. It belongs to the user it acts for. */
import { z } from 'zod'
import type { PeerRecord, StoredPeer } from '../resources.ts'
import { peerIdSchema, userIdSchema } from './identifiers.ts'
import { attributesSchema, nameSchema } from './user.ts'

export type Peer = StoredPeer

/** A peer as others see it: its record, and its presence as far as they may see it. */
export type PeerWithPresence = PeerRecord

/** The current presence that a peer reports. */
export type LivePresence = PeerRecord['presence']

/** The presence shown to a blocked viewer. It depends only on the time of the block, so it reveals nothing about the peer. */
export function hiddenSince(blockedAt: number): LivePresence {
  return { status: 'offline', custom: '', metadata: {}, since: 0, version: 0, lastSeenAt: blockedAt }
}

export const newPeerSchema = z.strictObject({
  peer: peerIdSchema,
  user: userIdSchema,
  name: nameSchema.default('peer'),
  attributes: attributesSchema.default({}),
})
