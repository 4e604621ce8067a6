/** What an application asks of its PeerMachine, as plain data. Ids of messages and finds are the application's own. */
import type { PeerId, TunnelId } from '../../ids.ts'
import type { Metadata } from '../../presence.ts'
import type { Address } from '../../wire/address.ts'
import type { OwnStatus } from '../../wire/presence.ts'
import type { Paths } from '../../wire/profile.ts'

/** A CHECKPOINT as bootstrap names it. */
export interface CheckpointNode {
  readonly node: string
  /** X25519, 32 bytes. */
  readonly publicKey: Uint8Array
  /** At least one; of the families this machine can send to. */
  readonly addresses: readonly Address[]
}

export type PeerInput =
  /** Signs in as soon as there are nodes and a ticket, and again whenever the session ends, until `goodbye`. */
  | { readonly kind: 'start' }
  /** A ticket as INDEX issued it; it ends at `endsAt` (milliseconds since the epoch). */
  | { readonly kind: 'setTicket'; readonly ticket: string; readonly endsAt: number }
  | { readonly kind: 'setNodes'; readonly nodes: readonly CheckpointNode[] }
  /** Within LIMITS.customStatusBytes and LIMITS.metadataBytes: that is checked at the door. */
  | {
      readonly kind: 'setStatus'
      readonly status: OwnStatus
      readonly custom: string
      readonly metadata: Metadata
    }
  /** How long the NAT mapping lives, as `Lifetime` measured it. */
  | { readonly kind: 'setInterval'; readonly mappingLifeMs: number }
  /** Another interface, another address: the socket is new. */
  | { readonly kind: 'networkChanged' }
  /** `body` at most LIMITS.messageBytes. Answered by `receipt` with the same id. */
  | { readonly kind: 'sendMessage'; readonly id: number; readonly to: PeerId; readonly body: Uint8Array }
  /** Answered by `found`. `limit` 1 to 255; SCIM filter. */
  | { readonly kind: 'find'; readonly id: number; readonly filter: string; readonly limit: number }
  /** `tunnel` is `tunnelOf` 16 random bytes. Answered by `tunnel` or `offerEnded`. */
  | {
      readonly kind: 'offer'
      readonly tunnel: TunnelId
      readonly to: PeerId
      readonly intent: string
      readonly clear: boolean
      readonly paths: Paths
    }
  /** No answer is awaited any more. */
  | { readonly kind: 'cancelOffer'; readonly tunnel: TunnelId }
  /** To an `offer` effect. `clear` holds where both sides ask for it; the stricter of both `paths` holds. */
  | {
      readonly kind: 'accept'
      readonly tunnel: TunnelId
      readonly clear: boolean
      readonly paths: Paths
    }
  /** `reason` at most LIMITS.reasonBytes. */
  | { readonly kind: 'refuse'; readonly tunnel: TunnelId; readonly reason: string }
  /** The tunnel has no path left: asks for a new direction, for the other side too. Answered by `rejoin`. */
  | {
      readonly kind: 'rejoin'
      readonly tunnel: TunnelId
      readonly to: PeerId
      readonly initiator: boolean
    }
  /** The last one: says goodbye to the node; `closed` follows. */
  | { readonly kind: 'goodbye' }
