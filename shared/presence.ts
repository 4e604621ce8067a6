import type { NetworkId, NodeId, PeerId, UserId } from './ids.ts'

/** `invisible` is told to nobody: others see `offline`. `unknown` is what an observer says when it cannot know. */
export type Status = 'online' | 'away' | 'busy' | 'invisible' | 'offline' | 'unknown'

/** Live metadata of a peer: JSON, at most LIMITS.metadataBytes. */
export type Metadata = { readonly [name: string]: string | number | boolean | null | readonly string[] }

/** What one peer says of itself, as others may see it. Times in epoch milliseconds. */
export interface PresenceRecord {
  readonly peer: PeerId
  readonly user: UserId
  readonly status: Status
  /** Custom status text, at most LIMITS.customStatusBytes. */
  readonly custom: string
  readonly metadata: Metadata
  /** Start of the session this record is about; a record with a smaller `since` never replaces one with a greater. */
  readonly since: number
  /** Grows with every change within a session. */
  readonly version: number
  /** When the peer was last known to be there. */
  readonly lastSeenAt: number
}

/** The item of the `Presence` table: the record, and where the peer is. Kept after sign-out (`node` absent), for last seen. */
export interface PresenceItem extends PresenceRecord {
  readonly node?: NodeId
  readonly networks: readonly NetworkId[]
  /** Version of the user's blocks; absent or 0 while it has never blocked anybody. */
  readonly blocks?: number
}

/** The record as anybody but the peer itself may see it: exactly these fields, and nothing live of who is not visible. */
export function asSeenByOthers(record: PresenceRecord): PresenceRecord {
  const { peer, user, status, custom, metadata, since, version, lastSeenAt } = record
  const hidden = status === 'invisible' || status === 'offline'
  return hidden
    ? { peer, user, status: 'offline', custom: '', metadata: {}, since, version, lastSeenAt }
    : { peer, user, status, custom, metadata, since, version, lastSeenAt }
}
