/** What goes into and comes out of a `TunnelMachine`: plain data. */
import type { ChannelKeys } from '../../crypto/channel.ts'
import type { WhyNotDirect } from '../../why-not-direct.ts'
import type { Address } from '../../wire/address.ts'
import type { StepKind } from '../../wire/handshake.ts'
import type { Direction, TunnelTerms } from '../../wire/offers.ts'
import type { Candidate } from '../../wire/profile.ts'
import type { StunServer } from './evidence.ts'
import type { NatClass } from './nat-class.ts'

/** What the two peers agreed on (`Agreement` of shared/core/peer has it), and what this machine has. */
export interface TunnelOptions {
  /** 32 bytes. */
  readonly seed: Uint8Array
  /** Undefined while the other side has not decided: `agreed` brings them, and `terms` are what this side asks for. */
  readonly keys?: ChannelKeys | undefined
  /** Undefined while it is not known: `approach` or `agreed` bring it. */
  readonly direction?: Direction | undefined
  /** Where the other side's socket will probably be seen: it is looked for there at once. */
  readonly expected?: Address | undefined
  readonly terms: TunnelTerms
  /** A STUN node and its partner; without them traversal goes by what the HANDSHAKE sees. */
  readonly stun: readonly StunServer[]
  /** Addresses of the socket: of its interfaces (`host`), and ports a router gave it (`mapped`). */
  readonly candidates: readonly Candidate[]
  /** Port the socket is bound to. */
  readonly localPort: number
  /** False: takes no part in `scatter`, which some networks take for an attack. Default true. */
  readonly scatter?: boolean
  /** UDP is known to be dropped here: whatever is sent goes another way, and only a relay serves. Default false. */
  readonly udpBlocked?: boolean
  /** What other sockets of this host have found out. */
  readonly nat?: NatClass | undefined
  /** When the application asked for the tunnel, or accepted it: times are measured from there. Default `now`. */
  readonly since?: number
  readonly now: number
}

export type TunnelInput =
  /** The other side has the offer: time to join, though it has not decided. */
  | { readonly kind: 'approach'; readonly direction: Direction }
  /** The other side accepts, on terms whose `paths` are those that were asked for. */
  | {
      readonly kind: 'agreed'
      readonly keys: ChannelKeys
      readonly direction: Direction
      readonly expected?: Address | undefined
      readonly terms: TunnelTerms
    }
  /** At most MAX_PAYLOAD_BYTES; what is longer is dropped and counted. */
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  /** Repeated to the other side until `acceptStream` or `refuseStream` there answers. `key`: 32 bytes. */
  | { readonly kind: 'openStream'; readonly stream: number; readonly key: Uint8Array; readonly name: string }
  | { readonly kind: 'acceptStream'; readonly stream: number; readonly accepter: number }
  | { readonly kind: 'refuseStream'; readonly stream: number; readonly reason?: 'too-many' }
  /** Streams run on the same socket, past this machine: the path is checked as often as if it sent data itself. */
  | { readonly kind: 'streaming'; readonly active: boolean }
  /** Both sides are led to a HANDSHAKE again. */
  | { readonly kind: 'rejoin'; readonly direction: Direction }
  /** The other side is at a CHECKPOINT again, as its presence says: it may be led to a HANDSHAKE. */
  | { readonly kind: 'otherPresent' }
  /** The other side is at no CHECKPOINT. */
  | { readonly kind: 'otherAbsent' }
  /** The other side says that it does not have this tunnel. */
  | { readonly kind: 'otherForgot' }
  /** More is known of the socket's addresses: all of them. */
  | { readonly kind: 'candidates'; readonly candidates: readonly Candidate[] }
  /** The addresses of this machine changed, or it woke up. */
  | { readonly kind: 'networkChanged'; readonly candidates: readonly Candidate[] }
  /** UDP is dropped here from now on, or works (again). */
  | { readonly kind: 'udp'; readonly blocked: boolean }
  /** Answers `openSockets`: the port of each from socket 1 on, 0 where there is none, and whether this tunnel is alone. */
  | { readonly kind: 'sockets'; readonly ports: readonly number[]; readonly alone: boolean }
  | { readonly kind: 'close' }

/**
 * `noDirectPath`: only a direct path was wanted. `unreachable`: no path for GIVE_UP_MS, nor for ABSENT_MS after it was told that the
 * other side is at no CHECKPOINT, or no path and the other side has forgotten the tunnel.
 */
export type TunnelEnd = 'closed' | 'closedByOther' | 'noDirectPath' | 'unreachable'

export type TunnelEffect =
  /** This side sends its data there from now on. */
  | {
      readonly kind: 'path'
      readonly path: 'direct' | 'relayed'
      readonly remote: Address
      readonly socket: number
      /** 0 while it is not measured. */
      readonly rttMs: number
      /** Of a relayed path. */
      readonly whyNotDirect?: WhyNotDirect
    }
  /** There is no path for the moment: datagrams wait. */
  | { readonly kind: 'interrupted' }
  /** `from`: the address of the path that brought it. */
  | { readonly kind: 'datagram'; readonly bytes: Uint8Array; readonly from: Address }
  | { readonly kind: 'streamOpen'; readonly stream: number; readonly key: Uint8Array; readonly name: string }
  | { readonly kind: 'streamAccepted'; readonly stream: number; readonly accepter: number }
  /** Without a reason nobody listens there. `timeout`: the other side did not answer for STREAM_ANSWER_MS. */
  | { readonly kind: 'streamRefused'; readonly stream: number; readonly reason?: 'too-many' | 'timeout' }
  /** Have the CHECKPOINT lead both sides to a HANDSHAKE again. */
  | { readonly kind: 'rejoin' }
  /**
   * Have sockets 1 to `count` besides the tunnel's own, each on a port of its own over IPv4, opening those that are not
   * there. `alone`: only if no other tunnel of this host has been told that it is alone since its sockets were closed.
   */
  | { readonly kind: 'openSockets'; readonly count: number; readonly alone: boolean }
  /** All but these and the tunnel's own; it is no longer alone. */
  | { readonly kind: 'closeSockets'; readonly keep: readonly number[] }
  /** What other sockets of this host may expect. */
  | { readonly kind: 'surveyed'; readonly nat: NatClass }
  /** Ask a router for a port of its own for the tunnel's socket; what it gives is a candidate. May come again. */
  | { readonly kind: 'mapPort' }
  /** The relay was given up: all data goes directly. */
  | { readonly kind: 'released' }
  | { readonly kind: 'closed'; readonly end: TunnelEnd; readonly whyNotDirect?: WhyNotDirect }

/** What the search for a direct path took from this side. */
export interface Effort {
  /** The last technique that was tried: of a direct path, the one that brought it. */
  readonly technique?: StepKind
  /** Probes sent for it. */
  readonly packets: number
}

export interface TunnelStatus {
  readonly path: 'direct' | 'relayed' | 'none'
  readonly rttMs: number
  readonly whyNotDirect?: WhyNotDirect
  /** From the wish for the tunnel, or its acceptance, to the first packet of the other side. */
  readonly firstByteMs?: number
  /** To the first direct path. */
  readonly directMs?: number
  readonly effort: Effort
}
