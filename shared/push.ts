/**
 * What a stream function pushes to a node through the WebSocket API: JSON text, a message holds an array of pushes in the
 * order of the changes. The node tells the peers concerned over UDP.
 */
import type { FleetItem } from './directory.ts'
import type { NetworkId, PeerId, UserId } from './ids.ts'
import type { Paths } from './paths.ts'
import type { PresenceRecord } from './presence.ts'

export type Push =
  /**
   * A peer's presence changed; `networks` are those in which somebody may care. An invisible peer is pushed as offline. `blocks`:
   * version of the blocks of its user, who is not shown to those; 0 or absent: it has none. `to`: only this peer, or this
   * user's, is told, as it can no longer see the other or can again.
   */
  | {
      readonly kind: 'presence'
      readonly record: PresenceRecord
      readonly networks: readonly NetworkId[]
      readonly blocks?: number
      readonly to?: PeerId | UserId
    }
  /** A user joined (`role` set), changed role, or left (`role` null) a network. */
  | {
      readonly kind: 'membership'
      readonly network: NetworkId
      readonly user: UserId
      readonly role: string | null
      readonly name?: string
      /** The user was no member before. */
      readonly isNew?: true
    }
  /** Permanent metadata changed: everybody in `networks` may care. `value` is absent when it was deleted or is too long to push. */
  | {
      readonly kind: 'metadata'
      readonly entity: 'user' | 'network' | 'peer' | 'object'
      readonly id: string
      readonly collection?: string
      readonly networks: readonly NetworkId[]
      readonly value?: unknown
      /** There was no such entity before. */
      readonly isNew?: true
    }
  /** What tunnels between members of a network may use, from now on. */
  | { readonly kind: 'paths'; readonly network: NetworkId; readonly paths: Paths }
  /** Mail was stored for a peer that is signed in at this node. */
  | { readonly kind: 'mail'; readonly peer: PeerId }
  /** Whom a user takes nothing from is another list now, of this version. */
  | { readonly kind: 'blocks'; readonly user: UserId; readonly version: number }
  /** The peer may no longer be anywhere: end its session, and take none of its tickets. */
  | { readonly kind: 'revoked'; readonly peer: PeerId }
  | { readonly kind: 'fleet'; readonly item: FleetItem }
