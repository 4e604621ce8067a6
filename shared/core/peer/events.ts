/** What goes into and comes out of a `PeerMachine`: plain data. `id`s are the caller's own. */
import type { ChannelKeys } from '../../crypto/channel.ts'
import type { NodeId, PeerId, TunnelId } from '../../ids.ts'
import type { Metadata, PresenceRecord } from '../../presence.ts'
import type { Address } from '../../wire/address.ts'
import type { MessageNumber, ReceiptOutcome } from '../../wire/messages.ts'
import type { Direction, FinalOutcome, Foreseen, Leg, TunnelTerms } from '../../wire/offers.ts'
import type { Change, OwnStatus } from '../../wire/presence.ts'

/** A node as INDEX lists it. */
export interface PeerNode {
  readonly node: NodeId
  /** X25519, 32 bytes. */
  readonly publicKey: Uint8Array
  /** Of its CHECKPOINT; tried in this order. */
  readonly addresses: readonly Address[]
  /** Where it stands; absent where all stand in one place. */
  readonly region?: string
}

export interface OwnPresence {
  readonly status: OwnStatus
  readonly custom: string
  readonly metadata: Metadata
}

export type PeerInput =
  | { readonly kind: 'nodes'; readonly nodes: readonly PeerNode[] }
  | { readonly kind: 'ticket'; readonly ticket: string; readonly expiresAt: number }
  | { readonly kind: 'presence'; readonly presence: OwnPresence }
  | { readonly kind: 'send'; readonly id: number; readonly to: PeerId; readonly body: Uint8Array }
  /** The application has the message: only now is it acknowledged. */
  | { readonly kind: 'taken'; readonly from: PeerId; readonly number: MessageNumber }
  | { readonly kind: 'find'; readonly id: number; readonly filter: string; readonly limit: number }
  | {
      readonly kind: 'offer'
      readonly id: number
      readonly to: PeerId
      readonly intent: string
      readonly terms: TunnelTerms
      readonly foreseen: Foreseen
    }
  /** Nobody waits for the answer any more. */
  | { readonly kind: 'withdraw'; readonly id: number }
  | {
      readonly kind: 'accept'
      readonly tunnel: TunnelId
      readonly terms: TunnelTerms
      /** Of the tunnel's socket, where it will be seen; 0: nobody can tell. */
      readonly port: number
    }
  | { readonly kind: 'refuse'; readonly tunnel: TunnelId; readonly reason: string }
  /** A tunnel of ours lost its path: lead both sides to the HANDSHAKE again. */
  | { readonly kind: 'rejoin'; readonly tunnel: TunnelId; readonly peer: PeerId; readonly leg: Leg }
  /** How long the mapping lives was measured: keep-alives may come this far apart. */
  | { readonly kind: 'interval'; readonly intervalMs: number }
  /** The addresses of this machine changed, or it woke up. */
  | { readonly kind: 'networkChanged' }
  | { readonly kind: 'leave' }

/** Why a peer is not online. `replaced` and `revoked` are final until a new ticket comes. */
export type OfflineReason =
  | 'starting'
  | 'unreachable'
  | 'lost'
  | 'draining'
  | 'ticket'
  | 'replaced'
  | 'revoked'
  | 'left'

export type PeerEffect =
  | { readonly kind: 'online'; readonly node: NodeId; readonly observed: Address; readonly since: number }
  | { readonly kind: 'offline'; readonly why: OfflineReason }
  /** The ticket ends soon, has ended, or was not taken. */
  | { readonly kind: 'ticketWanted' }
  /** No node answered: the list may be old. */
  | { readonly kind: 'nodesWanted' }
  | {
      readonly kind: 'message'
      readonly from: PeerId
      readonly number: MessageNumber
      readonly sentAt: number
      readonly body: Uint8Array
    }
  | { readonly kind: 'receipt'; readonly id: number; readonly outcome: ReceiptOutcome }
  | { readonly kind: 'presence'; readonly record: PresenceRecord }
  | { readonly kind: 'change'; readonly change: Change }
  | {
      readonly kind: 'found'
      readonly id: number
      readonly records: readonly PresenceRecord[]
      readonly more: boolean
      /** Empty, or what is wrong with the filter. */
      readonly error: string
    }
  | {
      readonly kind: 'offer'
      readonly tunnel: TunnelId
      readonly from: PeerId
      readonly intent: string
      readonly terms: TunnelTerms
      /** Where the other side's socket will probably be seen; NOWHERE: not known. */
      readonly expected: Address
      /** What comes there before anything left does no harm. */
      readonly forgiving: boolean
    }
  /** The other peer has our offer: the tunnel may get ready. Once for each offer. */
  | { readonly kind: 'ringing'; readonly ringing: Ringing }
  | { readonly kind: 'agreed'; readonly agreement: Agreement }
  | {
      readonly kind: 'refused'
      readonly id: number
      readonly outcome: FinalOutcome
      readonly reason: string
    }
  | { readonly kind: 'rejoin'; readonly tunnel: TunnelId; readonly direction: Direction }

/** An offer of ours that the other side has not decided yet. */
export interface Ringing {
  readonly tunnel: TunnelId
  readonly peer: PeerId
  readonly direction: Direction
  /** What this side asks for. */
  readonly terms: TunnelTerms
  /** Of the `offer` input. */
  readonly id: number
}

/** Both sides want the tunnel. */
export interface Agreement {
  readonly tunnel: TunnelId
  readonly peer: PeerId
  readonly leg: Leg
  readonly keys: ChannelKeys
  readonly direction: Direction
  /** Where the other side may be looked for at once; NOWHERE: it is not known, or minds early packets. */
  readonly expected: Address
  readonly terms: TunnelTerms
  /** Of the `offer` input, on the offering side. */
  readonly id?: number
}
