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

/** What tells one record of a peer from another, even if both say `offline`. */
type Look = Pick<PresenceRecord, 'since' | 'version' | 'lastSeenAt'>

/** The item of the `Presence` table: the record, and where the peer is. Kept after sign-out (`node` absent), for last seen. */
export interface PresenceItem extends PresenceRecord {
  readonly node?: NodeId
  readonly networks: readonly NetworkId[]
  /** Version of the user's blocks; absent or 0 while it has never blocked anybody. */
  readonly blocks?: number
  /** Of a peer that is invisible, or was so to the end of its last session: what others see in place of its own times. */
  readonly shown?: Look
}

/** The record as anybody but the peer itself may see it: exactly these fields, and nothing live of a peer that is not visible. */
export function asSeenByOthers(record: PresenceRecord & Pick<PresenceItem, 'shown'>): PresenceRecord {
  const { peer, user, status, custom, metadata } = record
  const isHidden = status === 'invisible' || status === 'offline'
  const { since, version, lastSeenAt } = (isHidden ? record.shown : undefined) ?? record
  const look = { since, version, lastSeenAt }
  return isHidden
    ? { peer, user, status: 'offline', custom: '', metadata: {}, ...look }
    : { peer, user, status, custom, metadata, ...look }
}

/**
 * `shown` of an item that replaces `before`. To others a peer that becomes invisible goes at that moment, and one that signs in
 * invisible does not come: whatever it does then, they see what they saw last.
 */
export function shownAfter(
  before: PresenceItem | undefined,
  item: PresenceRecord,
): Pick<PresenceItem, 'shown'> {
  if (item.status !== 'invisible') return {}
  if (before === undefined) return { shown: { since: 0, version: 0, lastSeenAt: 0 } }
  const wasVisible = before.node !== undefined && before.status !== 'invisible'
  const { since, version, lastSeenAt } = wasVisible ? item : (before.shown ?? before)
  return { shown: { since, version, lastSeenAt } }
}
