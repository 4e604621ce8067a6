/**
 * Pushes from a stream function to a node through the WebSocket API. Each message is JSON text: an array of pushes in the
 * order of the changes. The node notifies the affected peers over UDP.
 */
import type { FleetItem } from './directory.ts'
import type { NetworkId, PeerId, UserId } from './ids.ts'
import type { Paths } from './paths.ts'
import type { PresenceRecord } from './presence.ts'

export type Push =
  /**
   * A peer's presence changed. An invisible peer is pushed as offline.
   *
   *   networks   those whose members may need to know
   *   blocks     version of the block list of the peer's user, whose entries do not see the peer; 0 or absent: no list
   *   to         if present, only this peer or this user's peers are told: they can no longer see the peer, or can again
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
      /** Set if the user was not a member before. */
      readonly isNew?: true
    }
  /** Permanent metadata changed, which concerns the members of `networks`. `value` is absent if deleted or too long to push. */
  | {
      readonly kind: 'metadata'
      readonly entity: 'user' | 'network' | 'peer' | 'object'
      readonly id: string
      readonly collection?: string
      readonly networks: readonly NetworkId[]
      readonly value?: unknown
      /** Set if the entity did not exist before. */
      readonly isNew?: true
    }
  /** The path policy of a network changed. */
  | { readonly kind: 'paths'; readonly network: NetworkId; readonly paths: Paths }
  /** Mail was stored for a peer that is signed in at this node. */
  | { readonly kind: 'mail'; readonly peer: PeerId }
  /** A user's block list changed and now has this version. */
  | { readonly kind: 'blocks'; readonly user: UserId; readonly version: number }
  /** The peer is revoked: the node ends its session and accepts none of its tickets. */
  | { readonly kind: 'revoked'; readonly peer: PeerId }
  | { readonly kind: 'fleet'; readonly item: FleetItem }
