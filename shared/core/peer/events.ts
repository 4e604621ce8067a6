/** Inputs and effects of the machines in this folder, as plain data. The caller assigns each `id`. */
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
import type { Mixing } from '../tunnel/security.ts'
import type { PrekeyMemory } from './prekeys.ts'

/** A node as listed by INDEX. */
export interface PeerNode {
  readonly node: NodeId
  /** X25519, 32 bytes. */
  readonly publicKey: Uint8Array
  /** Addresses of its CHECKPOINT, tried in this order. */
  readonly addresses: readonly Address[]
  /** Region of the node; absent if all nodes are in one place. */
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
  /** The application has processed the message: it is acknowledged only now. */
  | { readonly kind: 'taken'; readonly from: PeerId; readonly number: MessageNumber }
  /** The prekeys of the last `prekeys` effect are stored. */
  | { readonly kind: 'prekeysStored' }
  | { readonly kind: 'find'; readonly id: number; readonly filter: string; readonly limit: number }
  /** The application no longer waits for the result. */
  | { readonly kind: 'forget'; readonly what: 'send' | 'find'; readonly id: number }
  | {
      readonly kind: 'offer'
      readonly tunnel: TunnelId
      readonly to: PeerId
      readonly intent: string
      readonly terms: TunnelTerms
      readonly foreseen: Foreseen
    }
  /** The application no longer waits for the answer. */
  | { readonly kind: 'withdraw'; readonly tunnel: TunnelId }
  | {
      readonly kind: 'accept'
      readonly tunnel: TunnelId
      readonly terms: TunnelTerms
      /** Port at which the tunnel's socket will be seen; 0 if it is unknown. */
      readonly port: number
    }
  | { readonly kind: 'refuse'; readonly tunnel: TunnelId; readonly reason: string }
  /** A tunnel of ours lost its path: ask the CHECKPOINT to direct both sides to a HANDSHAKE again. */
  | { readonly kind: 'rejoin'; readonly tunnel: TunnelId; readonly peer: PeerId; readonly leg: Leg }
  /** This endpoint was asked to rejoin a tunnel that it does not have: tells the other side. */
  | { readonly kind: 'unknownTunnel'; readonly tunnel: TunnelId; readonly peer: PeerId }
  /** Interval of keep-alives, by the measured lifetime of the NAT mapping. */
  | { readonly kind: 'interval'; readonly intervalMs: number }
  /** The addresses of this host, without a port. */
  | { readonly kind: 'host'; readonly ips: readonly Address[] }
  /** The addresses changed, or the host woke from sleep. */
  | { readonly kind: 'networkChanged' }
  /** A tunnel lost its path: perhaps the session's packets are lost too. */
  | { readonly kind: 'doubt' }
  | { readonly kind: 'leave' }

/** Why a peer is not online. `replaced` and `revoked` are final until a new ticket is given. */
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
  /** The session has moved: the node hears this peer from this address now. */
  | { readonly kind: 'seen'; readonly observed: Address }
  /** The ticket expires soon, has expired, or was not accepted. */
  | { readonly kind: 'ticketWanted' }
  /** No node answered: the list may be outdated. */
  | { readonly kind: 'nodesWanted' }
  | {
      readonly kind: 'message'
      readonly from: PeerId
      readonly number: MessageNumber
      readonly sentAt: number
      readonly body: Uint8Array
    }
  | { readonly kind: 'receipt'; readonly id: number; readonly outcome: ReceiptOutcome }
  /**
   * Store these prekeys in place of the last ones, so that they outlive the process, then handle `prekeysStored`. They are
   * secret, and those left out are to be erased. Only if the machine was given the stored ones.
   */
  | { readonly kind: 'prekeys'; readonly prekeys: readonly PrekeyMemory[] }
  /**
   * No answer within 30 s. The time counts from the request for a `find`, and from when a session accepted it for a
   * `send`. The message may still arrive.
   */
  | { readonly kind: 'unanswered'; readonly what: 'send' | 'find'; readonly id: number }
  | { readonly kind: 'presence'; readonly record: PresenceRecord }
  | { readonly kind: 'change'; readonly change: Change }
  /** Changes of other peers may have been lost: read again who is present. */
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
      /** Expected address of the other side's socket; NOWHERE if it is unknown. */
      readonly expected: Address
      /** The other side's NAT tolerates early packets. */
      readonly forgiving: boolean
    }
  /** The other peer has received our offer: the tunnel may prepare. Once for each offer. */
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
  /** The other peer of a tunnel is at no node (`absent`), or does not have the tunnel any more (`forgotten`). */
  | {
      readonly kind: 'absent' | 'forgotten'
      readonly tunnel: TunnelId
      readonly peer: PeerId
    }

/** A tunnel that both sides have accepted. */
export interface Agreement {
  readonly tunnel: TunnelId
  readonly peer: PeerId
  readonly leg: Leg
  readonly keys: ChannelKeys
  readonly direction: Direction
  /**
   * Address at which the other side may be probed immediately. NOWHERE if it is unknown or reacts badly to early
   * packets.
   */
  readonly expected: Address
  readonly terms: TunnelTerms
  readonly mixing: Mixing
}

/** Ports of one socket by IP family; undefined for a missing family. */
export interface SocketPorts {
  readonly four: number | undefined
  readonly six: number | undefined
}

export type SocketEffect =
  /**
   * Open these sockets; the answer is `sockets`. `ipv4Only`: no IPv6 is needed. `tunnel`: the tunnel that they belong
   * to.
   */
  | {
      readonly kind: 'openSockets'
      readonly sockets: readonly number[]
      readonly ipv4Only: boolean
      readonly tunnel?: TunnelId
    }
  | { readonly kind: 'closeSockets'; readonly sockets: readonly number[] }

/** The inputs of a tunnel that an application may give. */
export type TunnelUse = Extract<
  TunnelInput,
  { kind: 'send' | 'openStream' | 'acceptStream' | 'refuseStream' | 'streaming' | 'close' }
>

export type TunnelsInput =
  /** This side offers the tunnel: the machine is started, and `prepared` follows. */
  | {
      readonly kind: 'prepare'
      readonly tunnel: TunnelId
      readonly peer: PeerId
      readonly terms: TunnelTerms
    }
  /** This side is about to accept the tunnel: `prepared` follows. */
  | {
      readonly kind: 'prepareAnswer'
      readonly tunnel: TunnelId
      readonly peer: PeerId
      readonly paths: Paths
      readonly expected: Address
      readonly forgiving: boolean
    }
  /** The other side has received the offer. */
  | { readonly kind: 'approach'; readonly tunnel: TunnelId; readonly direction: Direction }
  /** Both sides have accepted, whether the tunnel was prepared or not. */
  | { readonly kind: 'agreed'; readonly agreement: Agreement }
  /** The CHECKPOINT directs both sides to a HANDSHAKE again. */
  | { readonly kind: 'rejoin'; readonly tunnel: TunnelId; readonly direction: Direction }
  /** Reports that the other peer of a tunnel is at no node, or that its process does not know the tunnel. */
  | { readonly kind: 'absent' | 'forgotten'; readonly tunnel: TunnelId; readonly peer: PeerId }
  /** The presence of a peer shows that it came or went. */
  | { readonly kind: 'came' | 'went'; readonly peer: PeerId }
  | { readonly kind: 'use'; readonly tunnel: TunnelId; readonly use: TunnelUse }
  /** The call failed: the tunnel ends. */
  | { readonly kind: 'abandon'; readonly tunnel: TunnelId }
  /** Answers `openSockets`. `opened`: those sockets that the system opened. */
  | {
      readonly kind: 'sockets'
      readonly asked: readonly number[]
      readonly opened: readonly (SocketPorts & { readonly socket: number })[]
    }
  /**
   * Answers `mapPort`, whenever it changes. `external`: address at which the router forwards to the port; undefined if
   * none.
   */
  | { readonly kind: 'mapped'; readonly port: number; readonly external: Address | undefined }
  /** The addresses of the host, without a port. */
  | { readonly kind: 'host'; readonly ips: readonly Address[] }
  /** The addresses changed, or the host woke from sleep. */
  | { readonly kind: 'moved'; readonly ips: readonly Address[] }
  /** The NAT has another public address, although those of the host are the same. */
  | { readonly kind: 'renumbered' }
  | { readonly kind: 'stun'; readonly servers: readonly StunServer[] }
  /** UDP is dropped here from now on, or works again. */
  | { readonly kind: 'udp'; readonly blocked: boolean }
  /** Sets the class of the NAT, if it is known by other means than `lookAtNat`. */
  | { readonly kind: 'nat'; readonly nat: NatClass | undefined }
  /** Test the NAT. `unlessKnown`: only if no server answered the last time. */
  | { readonly kind: 'lookAtNat'; readonly unlessKnown: boolean }
  /** Look for a router that maps ports, so that a mapping is there sooner when it is needed. */
  | { readonly kind: 'lookAtRouter' }
  /** Measure the interval of keep-alives; `interval` follows, perhaps minutes later. */
  | { readonly kind: 'findInterval' }
  /** Ends all tunnels. */
  | { readonly kind: 'end' }

type Told = Exclude<
  TunnelEffect,
  { kind: 'openSockets' | 'closeSockets' | 'surveyed' | 'mapPort' | 'rejoin' | 'closed' }
>

export type TunnelsEffect =
  | SocketEffect
  /** Ask a router to map this port of ours: `mapped` follows if it does. */
  | { readonly kind: 'mapPort'; readonly tunnel: TunnelId; readonly port: number }
  | { readonly kind: 'unmapPort'; readonly port: number }
  /** Find out in advance which protocols the router speaks. */
  | { readonly kind: 'lookAtRouter' }
  /** Interval at which keep-alives may be sent. */
  | { readonly kind: 'interval'; readonly intervalMs: number }
  /** The tunnel's socket is open. `foreseen`: where it will probably be seen. */
  | { readonly kind: 'prepared'; readonly tunnel: TunnelId; readonly foreseen: Foreseen }
  /** The system opened no socket for the tunnel, which has ended. */
  | { readonly kind: 'unprepared'; readonly tunnel: TunnelId }
  /** Ask the CHECKPOINT to direct both sides to a HANDSHAKE again. */
  | { readonly kind: 'rejoinWanted'; readonly tunnel: TunnelId; readonly peer: PeerId; readonly leg: Leg }
  /** The `socket` of a path is the endpoint's number. */
  | (Told & { readonly tunnel: TunnelId })
  | (Extract<TunnelEffect, { kind: 'closed' }> & {
      readonly tunnel: TunnelId
      /** Status at the end of the tunnel. */
      readonly status: TunnelStatus
    })

/** Why a call failed. */
export type CallFailure =
  /** Refused by the other side, with its reason, or by a node. */
  | { readonly kind: 'refused'; readonly outcome: FinalOutcome; readonly reason: string }
  /** The time that the application allowed passed without an agreement or a path. */
  | { readonly kind: 'timeout' }
  | { readonly kind: 'stopped' }
  /** The offer was decided already. */
  | { readonly kind: 'decided' }
  /** The system opened no socket. */
  | { readonly kind: 'noSocket' }
  | { readonly kind: 'noPath'; readonly end: TunnelEnd; readonly whyNotDirect?: WhyNotDirect }
  /** This endpoint has ended. */
  | { readonly kind: 'closed' }

/** A STUN server as listed by INDEX. */
export interface PlacedStun extends StunServer {
  readonly region?: string
}

export type EndpointInput =
  /** The lists of INDEX: the nodes to sign in at, and the STUN servers. */
  | { readonly kind: 'nodes'; readonly nodes: readonly PeerNode[]; readonly stun: readonly PlacedStun[] }
  | Extract<
      PeerInput,
      { kind: 'ticket' | 'presence' | 'send' | 'taken' | 'prekeysStored' | 'find' | 'forget' | 'leave' }
    >
  | Extract<TunnelsInput, { kind: 'sockets' | 'mapped' | 'use' | 'host' | 'moved' | 'udp' }>
  /** The node sees this peer at another address from now on. */
  | { readonly kind: 'homeMoved' }
  /** The application did not process this message after all: it is emitted again once the application listens. */
  | { readonly kind: 'unheard'; readonly message: Extract<PeerEffect, { kind: 'message' }> }
  /** True if the application accepts messages, and offers. */
  | { readonly kind: 'listening'; readonly messages: boolean; readonly offers: boolean }
  /** Offers a tunnel: `ringing`, `agreed`, and `opened` or `failed` follow with this id. */
  | {
      readonly kind: 'connect'
      readonly id: number
      readonly to: PeerId
      readonly intent: string
      readonly terms: TunnelTerms
      readonly timeoutMs: number
    }
  /** The application cancels the call. */
  | { readonly kind: 'stop'; readonly id: number }
  /** Accepts an offered tunnel: `agreed`, and `opened` or `failed` follow. */
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
          | 'prekeys'
          | 'presence'
          | 'change'
          | 'missed'
          | 'found'
          | 'unanswered'
      }
    >
  | Exclude<TunnelsEffect, { kind: 'prepared' | 'unprepared' | 'rejoinWanted' | 'interval' }>
  /** A node sees this endpoint at another IP address than before. */
  | { readonly kind: 'address'; readonly address: Address }
  /** Another peer offers a tunnel: `accept` or `refuse` it. */
  | {
      readonly kind: 'offer'
      readonly tunnel: TunnelId
      readonly from: PeerId
      readonly intent: string
      readonly terms: TunnelTerms
    }
  /** The application has not decided in time: the offer was refused. */
  | { readonly kind: 'lapsed'; readonly tunnel: TunnelId }
  /** The other peer has received our offer but not decided yet. At most once for each call. */
  | { readonly kind: 'ringing'; readonly id: number }
  /** Both sides have accepted. `id`: that of our call. */
  | { readonly kind: 'agreed'; readonly tunnel: TunnelId; readonly peer: PeerId; readonly id?: number }
  /** Data can be sent. */
  | { readonly kind: 'opened'; readonly tunnel: TunnelId; readonly id?: number }
  | { readonly kind: 'failed'; readonly tunnel: TunnelId; readonly why: CallFailure; readonly id?: number }
