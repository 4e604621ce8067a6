/** What goes into and comes out of a `PeerMachine`: plain data. `id`s are the caller's own. */
import type { ChannelKeys } from '../../crypto/channel.ts'
import type { NodeId, PeerId, TunnelId } from '../../ids.ts'
import type { Paths } from '../../paths.ts'
import type { Metadata, PresenceRecord } from '../../presence.ts'
import type { WhyNotDirect } from '../../why-not-direct.ts'
import type { Address } from '../../wire/address.ts'
import type { MessageNumber, ReceiptOutcome } from '../../wire/messages.ts'
import type { Direction, FinalOutcome, Foreseen, Leg, TunnelTerms } from '../../wire/offers.ts'
import type { Change, OwnStatus } from '../../wire/presence.ts'
import type { TunnelEffect, TunnelEnd, TunnelInput, TunnelStatus } from '../tunnel/events.ts'
import type { StunServer } from '../tunnel/evidence.ts'
import type { NatClass } from '../tunnel/nat-class.ts'

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
  /** `expiresAt`: by the time of this machine, whatever the wall clock says. */
  | { readonly kind: 'ticket'; readonly ticket: string; readonly expiresAt: number }
  | { readonly kind: 'presence'; readonly presence: OwnPresence }
  | { readonly kind: 'send'; readonly id: number; readonly to: PeerId; readonly body: Uint8Array }
  /** The application has the message: only now is it acknowledged. */
  | { readonly kind: 'taken'; readonly from: PeerId; readonly number: MessageNumber }
  | { readonly kind: 'find'; readonly id: number; readonly filter: string; readonly limit: number }
  /** Nobody waits for what became of it any more. */
  | { readonly kind: 'forget'; readonly what: 'send' | 'find'; readonly id: number }
  | {
      readonly kind: 'offer'
      readonly tunnel: TunnelId
      readonly to: PeerId
      readonly intent: string
      readonly terms: TunnelTerms
      readonly foreseen: Foreseen
    }
  /** Nobody waits for the answer any more. */
  | { readonly kind: 'withdraw'; readonly tunnel: TunnelId }
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
  /** This endpoint was asked to rejoin a tunnel that it does not have: the other side is told. */
  | { readonly kind: 'unknownTunnel'; readonly tunnel: TunnelId; readonly peer: PeerId }
  /** How long the mapping lives was measured: keep-alives may come this far apart. */
  | { readonly kind: 'interval'; readonly intervalMs: number }
  /** The addresses of this machine, without a port. */
  | { readonly kind: 'host'; readonly ips: readonly Address[] }
  /** They changed, or it woke up. */
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
  /** No answer within 30 s: of a `find` from the beginning, of a `send` from when a session took it. It may still arrive. */
  | { readonly kind: 'unanswered'; readonly what: 'send' | 'find'; readonly id: number }
  | { readonly kind: 'presence'; readonly record: PresenceRecord }
  | { readonly kind: 'change'; readonly change: Change }
  /** What happened to others may not have been told: who is there has to be read again. */
  | { readonly kind: 'missed' }
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
  | { readonly kind: 'ringing'; readonly tunnel: TunnelId; readonly direction: Direction }
  | { readonly kind: 'agreed'; readonly agreement: Agreement }
  | {
      readonly kind: 'refused'
      readonly tunnel: TunnelId
      readonly outcome: FinalOutcome
      readonly reason: string
    }
  | {
      readonly kind: 'rejoin'
      readonly tunnel: TunnelId
      readonly peer: PeerId
      readonly direction: Direction
    }
  /** The other peer of a tunnel is at no node, or does not have the tunnel any more. */
  | {
      readonly kind: 'absent' | 'forgotten'
      readonly tunnel: TunnelId
      readonly peer: PeerId
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
}

/** Of one socket, by family; undefined for a family that is missing. */
export interface SocketPorts {
  readonly four: number | undefined
  readonly six: number | undefined
}

export type SocketEffect =
  /** Open these; the answer is `sockets`. `ipv4Only`: no IPv6 is needed. `tunnel`: whose they are. */
  | {
      readonly kind: 'openSockets'
      readonly sockets: readonly number[]
      readonly ipv4Only: boolean
      readonly tunnel?: TunnelId
    }
  | { readonly kind: 'closeSockets'; readonly sockets: readonly number[] }

/** What an application does with a tunnel that is there. */
export type TunnelUse = Extract<
  TunnelInput,
  { kind: 'send' | 'openStream' | 'acceptStream' | 'refuseStream' | 'streaming' | 'close' }
>

export type TunnelsInput =
  /** This side offers it: `prepared` follows, and it gets ready. */
  | {
      readonly kind: 'prepare'
      readonly tunnel: TunnelId
      readonly peer: PeerId
      readonly terms: TunnelTerms
    }
  /** This side is about to accept it: `prepared` follows. */
  | {
      readonly kind: 'prepareAnswer'
      readonly tunnel: TunnelId
      readonly peer: PeerId
      readonly paths: Paths
      readonly expected: Address
      readonly forgiving: boolean
    }
  /** The other side has the offer. */
  | { readonly kind: 'approach'; readonly tunnel: TunnelId; readonly direction: Direction }
  /** Both sides want it, whether it was prepared or not. */
  | { readonly kind: 'agreed'; readonly agreement: Agreement }
  /** Both sides are led to a HANDSHAKE again. */
  | { readonly kind: 'rejoin'; readonly tunnel: TunnelId; readonly direction: Direction }
  /** As in PeerEffect. */
  | { readonly kind: 'absent' | 'forgotten'; readonly tunnel: TunnelId; readonly peer: PeerId }
  /** A peer came, or went, as its presence says. */
  | { readonly kind: 'came' | 'went'; readonly peer: PeerId }
  | { readonly kind: 'use'; readonly tunnel: TunnelId; readonly use: TunnelUse }
  /** It has come to nothing. */
  | { readonly kind: 'abandon'; readonly tunnel: TunnelId }
  /** Answers `openSockets`: of those, the ones that the system gave. */
  | {
      readonly kind: 'sockets'
      readonly asked: readonly number[]
      readonly opened: readonly (SocketPorts & { readonly socket: number })[]
    }
  /** Answers `mapPort`, whenever it changes: where the router lets in what comes for that port; undefined: nowhere. */
  | { readonly kind: 'mapped'; readonly port: number; readonly external: Address | undefined }
  /** The addresses of the host, without a port. */
  | { readonly kind: 'host'; readonly ips: readonly Address[] }
  /** They changed, or the machine woke up. */
  | { readonly kind: 'moved'; readonly ips: readonly Address[] }
  | { readonly kind: 'stun'; readonly servers: readonly StunServer[] }
  /** UDP is dropped here from now on, or works. */
  | { readonly kind: 'udp'; readonly blocked: boolean }
  /** What is known of the NAT by other means than `lookAtNat`. */
  | { readonly kind: 'nat'; readonly nat: NatClass | undefined }
  /** `unlessKnown`: only if nothing answered the last time. */
  | { readonly kind: 'lookAtNat'; readonly unlessKnown: boolean }
  /** Has a router looked for, so that a port of it is there sooner once it is wanted. */
  | { readonly kind: 'lookAtRouter' }
  /** `interval` follows, maybe minutes later. */
  | { readonly kind: 'findInterval' }
  /** All tunnels end. */
  | { readonly kind: 'end' }

type Told = Exclude<
  TunnelEffect,
  { kind: 'openSockets' | 'closeSockets' | 'surveyed' | 'mapPort' | 'rejoin' | 'closed' }
>

export type TunnelsEffect =
  | SocketEffect
  /** Ask a router for a port before this one of ours: `mapped` follows, if it ever gives one. */
  | { readonly kind: 'mapPort'; readonly tunnel: TunnelId; readonly port: number }
  | { readonly kind: 'unmapPort'; readonly port: number }
  /** Find out beforehand what the router speaks. */
  | { readonly kind: 'lookAtRouter' }
  /** Keep-alives may come this far apart. */
  | { readonly kind: 'interval'; readonly intervalMs: number }
  /** Its socket is there, and will probably be seen at this port. */
  | { readonly kind: 'prepared'; readonly tunnel: TunnelId; readonly foreseen: Foreseen }
  /** The system gives it no socket. It has ended. */
  | { readonly kind: 'unprepared'; readonly tunnel: TunnelId }
  /** Have the CHECKPOINT lead both sides to a HANDSHAKE again. */
  | { readonly kind: 'rejoinWanted'; readonly tunnel: TunnelId; readonly peer: PeerId; readonly leg: Leg }
  /** `socket` of a path is the endpoint's number. */
  | (Told & { readonly tunnel: TunnelId })
  | (Extract<TunnelEffect, { kind: 'closed' }> & {
      readonly tunnel: TunnelId
      /** As it was at the end. */
      readonly status: TunnelStatus
    })

/** Why there is no tunnel. */
export type CallFailure =
  /** By the other side, with its reason, or by a node. */
  | { readonly kind: 'refused'; readonly outcome: FinalOutcome; readonly reason: string }
  /** Nothing was agreed on, or no path was found, in the time that the application gave it. */
  | { readonly kind: 'timeout' }
  | { readonly kind: 'stopped' }
  /** The offer had been decided before. */
  | { readonly kind: 'decided' }
  /** The system gives no socket. */
  | { readonly kind: 'noSocket' }
  | { readonly kind: 'noPath'; readonly end: TunnelEnd; readonly whyNotDirect?: WhyNotDirect }
  /** This endpoint has ended. */
  | { readonly kind: 'closed' }

/** A STUN server as INDEX lists it. */
export interface PlacedStun extends StunServer {
  readonly region?: string
}

export type EndpointInput =
  /** What INDEX lists: where to sign in, and the STUN servers. */
  | { readonly kind: 'nodes'; readonly nodes: readonly PeerNode[]; readonly stun: readonly PlacedStun[] }
  | Extract<PeerInput, { kind: 'ticket' | 'presence' | 'send' | 'taken' | 'find' | 'forget' | 'leave' }>
  | Extract<TunnelsInput, { kind: 'sockets' | 'mapped' | 'use' | 'host' | 'moved' | 'udp' }>
  /** From now on the node sees us at another address. */
  | { readonly kind: 'homeMoved' }
  /** A message that the application did not take after all: it is told again when it listens. */
  | { readonly kind: 'unheard'; readonly message: Extract<PeerEffect, { kind: 'message' }> }
  /** Whether the application takes messages, and offers. */
  | { readonly kind: 'listening'; readonly messages: boolean; readonly offers: boolean }
  /** `ringing`, `agreed`, and `opened` or `failed` follow, with this id. */
  | {
      readonly kind: 'connect'
      readonly id: number
      readonly to: PeerId
      readonly intent: string
      readonly terms: TunnelTerms
      readonly timeoutMs: number
    }
  /** The application does not want that call any more. */
  | { readonly kind: 'stop'; readonly id: number }
  /** `agreed`, and `opened` or `failed` follow. */
  | { readonly kind: 'accept'; readonly tunnel: TunnelId; readonly terms: TunnelTerms }
  | { readonly kind: 'refuse'; readonly tunnel: TunnelId; readonly reason: string }

export type EndpointEffect =
  | Extract<
      PeerEffect,
      {
        kind:
          | 'online'
          | 'offline'
          | 'ticketWanted'
          | 'nodesWanted'
          | 'message'
          | 'receipt'
          | 'presence'
          | 'change'
          | 'missed'
          | 'found'
          | 'unanswered'
      }
    >
  | Exclude<TunnelsEffect, { kind: 'prepared' | 'unprepared' | 'rejoinWanted' | 'interval' }>
  /** Another peer wants a tunnel: `accept` or `refuse` it. */
  | {
      readonly kind: 'offer'
      readonly tunnel: TunnelId
      readonly from: PeerId
      readonly intent: string
      readonly terms: TunnelTerms
    }
  /** The application has not decided in time: refused. */
  | { readonly kind: 'lapsed'; readonly tunnel: TunnelId }
  /** The other peer has our offer, and has not decided yet. Once for each call at most. */
  | { readonly kind: 'ringing'; readonly id: number }
  /** Both sides want it. `id`: of our call. */
  | { readonly kind: 'agreed'; readonly tunnel: TunnelId; readonly peer: PeerId; readonly id?: number }
  /** Data can flow. */
  | { readonly kind: 'opened'; readonly tunnel: TunnelId; readonly id?: number }
  | { readonly kind: 'failed'; readonly tunnel: TunnelId; readonly why: CallFailure; readonly id?: number }
