import type { NetworkId, NodeId, PeerId, UserId } from './ids.ts'

/** Status of a peer. Others see `invisible` as `offline`. `unknown` means that the observer cannot tell. */
export type Status = 'online' | 'away' | 'busy' | 'invisible' | 'offline' | 'unknown'

/** Live metadata of a peer: JSON, at most LIMITS.metadataBytes. */
export type Metadata = { readonly [name: string]: string | number | boolean | null | readonly string[] }

/** A peer's presence as others may see it. Times are in epoch milliseconds. */
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
  /** Time at which the peer was last known to be online. */
  readonly lastSeenAt: number
}

/** The fields that distinguish two records of a peer even if both say `offline`. */
type Look = Pick<PresenceRecord, 'since' | 'version' | 'lastSeenAt'>

/** An item of the `Presence` table: the record and the peer's node. Kept after sign-out, without `node`, for last seen. */
export interface PresenceItem extends PresenceRecord {
  readonly node?: NodeId
  readonly networks: readonly NetworkId[]
  /** Version of the user's block list; absent or 0 if the user has never blocked anybody. */
  readonly blocks?: number
  /** The times that others see while the peer is invisible, or if its last session ended invisible. */
  readonly shown?: Look
  /** The prekey that messages to the peer are sealed for, if it has published one. Nodes do not check it. */
  readonly prekey?: Uint8Array
}

/** Returns the record as other peers may see it: exactly these fields, without live data if the peer is not visible. */
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
 * Computes `shown` for an item that replaces `before`. Others see a peer that becomes invisible go offline at that moment, and
 * do not see one that signs in invisible. As long as the peer is invisible, they see its last visible state.
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
