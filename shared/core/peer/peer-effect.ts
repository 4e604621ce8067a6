/** What a PeerMachine tells its application, as plain data. */
import type { PeerId, TunnelId } from '../../ids.ts'
import type { PresenceRecord } from '../../presence.ts'
import type { Address } from '../../wire/address.ts'
import type { ReceiptOutcome } from '../../wire/messages.ts'
import type { AnswerOutcome, Direction } from '../../wire/offers.ts'
import type { Change } from '../../wire/presence.ts'
import type { Paths } from '../../wire/profile.ts'
import type { WelcomeStatus } from '../../wire/sign-in.ts'

/**
 * Why a peer is not online. `unreachable`: a node does not answer (any more), the next one is tried; `draining`: the node
 * asked to go elsewhere; `replaced`: the same key signed in elsewhere, and this one does not sign in again by itself;
 * `ticketEnded` and `noNodes`: it goes on with the next `setTicket` or `setNodes`; the others are the words of WELCOME.
 */
export type OfflineReason =
  | 'unreachable'
  | 'draining'
  | 'replaced'
  | 'ticketEnded'
  | 'noNodes'
  | 'goodbye'
  | Extract<WelcomeStatus, 'invalid' | 'otherKey' | 'revoked'>

/** 32 bytes each. */
export interface TunnelKeys {
  readonly send: Uint8Array
  readonly receive: Uint8Array
}

export interface AgreedTunnel {
  readonly tunnel: TunnelId
  readonly other: PeerId
  /** Whether this side made the offer. */
  readonly initiator: boolean
  readonly intent: string
  readonly keys: TunnelKeys
  readonly direction: Direction
  /** Datagrams authenticated, not encrypted: only where both asked for it. */
  readonly clear: boolean
  readonly paths: Paths
}

export type PeerEffect =
  | { readonly kind: 'state'; readonly state: 'signingIn'; readonly node: string }
  | {
      readonly kind: 'state'
      readonly state: 'online'
      readonly node: string
      readonly since: number
      /** This peer as the node sees it. */
      readonly observed: Address
    }
  | { readonly kind: 'state'; readonly state: 'offline'; readonly why: OfflineReason }
  /** A related peer's presence, newer than what was told before. */
  | { readonly kind: 'presence'; readonly record: PresenceRecord }
  | { readonly kind: 'change'; readonly change: Change }
  | {
      readonly kind: 'message'
      readonly from: PeerId
      readonly sentAt: number
      readonly body: Uint8Array
    }
  /** What became of `sendMessage`: `delivered` and `stored` are success. After `stored`, `delivered` may follow. */
  | { readonly kind: 'receipt'; readonly id: number; readonly outcome: ReceiptOutcome }
  | {
      readonly kind: 'found'
      readonly id: number
      readonly records: readonly PresenceRecord[]
      readonly more: boolean
      /** Empty, or what is wrong with the filter. */
      readonly error: string
    }
  /** Another peer wants a tunnel: `accept` or `refuse` it within OFFER_MS. */
  | {
      readonly kind: 'offer'
      readonly tunnel: TunnelId
      readonly from: PeerId
      readonly intent: string
      readonly clear: boolean
      readonly paths: Paths
    }
  /** An offer of this side came to nothing. `timeout`: no answer within OFFER_MS. */
  | {
      readonly kind: 'offerEnded'
      readonly tunnel: TunnelId
      readonly outcome: Exclude<AnswerOutcome, 'accepted'> | 'timeout'
      readonly reason: string
    }
  /** Both sides agreed. */
  | ({ readonly kind: 'tunnel' } & AgreedTunnel)
  /** Go to this HANDSHAKE with the tunnel: one side asked for it. */
  | { readonly kind: 'rejoin'; readonly tunnel: TunnelId; readonly direction: Direction }
  /** The ticket ends in five minutes or less: get the next one and `setTicket`. Repeated each minute. */
  | { readonly kind: 'ticketWanted' }
  /** All nodes failed in turn: bootstrap may know of others. */
  | { readonly kind: 'nodesWanted' }
  | { readonly kind: 'closed' }
