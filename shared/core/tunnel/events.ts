/** Inputs and effects of a `TunnelMachine`, as plain data. */
import type { ChannelKeys } from '../../crypto/channel.ts'
import type { WhyNotDirect } from '../../why-not-direct.ts'
import type { Address } from '../../wire/address.ts'
import type { StepKind } from '../../wire/handshake.ts'
import type { Direction, TunnelTerms } from '../../wire/offers.ts'
import type { Candidate } from '../../wire/profile.ts'
import type { StunServer } from './evidence.ts'
import type { NatClass } from './nat-class.ts'
import type { Mixing, Security } from './security.ts'

/**
 * Options of a `TunnelMachine`: what the two peers agreed on (see `Agreement` in shared/core/peer), and what this host
 * has.
 */
export interface TunnelOptions {
  /** 32 bytes. */
  readonly seed: Uint8Array
  /**
   * Undefined until the other side has decided. The input `agreed` brings the keys; until then `terms` are what this
   * side asks for.
   */
  readonly keys?: ChannelKeys | undefined
  /** With `keys`. Default: the other side has no ML-KEM. */
  readonly mixing?: Mixing | undefined
  /** Undefined until the input `approach` or `agreed` brings it. */
  readonly direction?: Direction | undefined
  /** Expected address of the other side's socket: it is probed there immediately. */
  readonly expected?: Address | undefined
  readonly terms: TunnelTerms
  /** A STUN node and its partner. Without them, traversal uses only what the HANDSHAKE observes. */
  readonly stun: readonly StunServer[]
  /** Addresses of the socket: those of the host's interfaces (`host`) and ports mapped by a router (`mapped`). */
  readonly candidates: readonly Candidate[]
  /** Port the socket is bound to. */
  readonly localPort: number
  /** False: takes no part in `scatter`, which some networks mistake for an attack. Default true. */
  readonly scatter?: boolean
  /** UDP is known to be dropped here: datagrams are carried another way, and only a relay works. Default false. */
  readonly udpBlocked?: boolean
  /** Class of the NAT that other sockets of this host found. */
  readonly nat?: NatClass | undefined
  /** Time at which the application asked for the tunnel, or accepted it; durations count from it. Default `now`. */
  readonly since?: number
  readonly now: number
}

export type TunnelInput =
  /** The other side has received the offer: this side joins the HANDSHAKE, although the other has not decided. */
  | { readonly kind: 'approach'; readonly direction: Direction }
  /** The other side accepts. The `paths` of its terms are those that this side asked for. */
  | {
      readonly kind: 'agreed'
      readonly keys: ChannelKeys
      readonly mixing: Mixing
      readonly direction: Direction
      readonly expected?: Address | undefined
      readonly terms: TunnelTerms
    }
  /** At most MAX_PAYLOAD_BYTES; a longer datagram is dropped and counted. */
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  /** Sent to the other side repeatedly until its `acceptStream` or `refuseStream` answers. `key`: 32 bytes. */
  | { readonly kind: 'openStream'; readonly stream: number; readonly key: Uint8Array; readonly name: string }
  | { readonly kind: 'acceptStream'; readonly stream: number; readonly accepter: number }
  | { readonly kind: 'refuseStream'; readonly stream: number; readonly reason?: 'too-many' }
  /** Streams use the same socket past this machine: the path is checked as often as if the machine sent data itself. */
  | { readonly kind: 'streaming'; readonly active: boolean }
  /** The CHECKPOINT directs both sides to a HANDSHAKE again. */
  | { readonly kind: 'rejoin'; readonly direction: Direction }
  /** The other side's presence shows that it is at a CHECKPOINT again and may be directed to a HANDSHAKE. */
  | { readonly kind: 'otherPresent' }
  /** The other side is at no CHECKPOINT. */
  | { readonly kind: 'otherAbsent' }
  /** The other side reports that it does not have this tunnel. */
  | { readonly kind: 'otherForgot' }
  /** The complete, updated list of the socket's addresses. */
  | { readonly kind: 'candidates'; readonly candidates: readonly Candidate[] }
  /** The addresses of this host changed, or it woke from sleep. */
  | { readonly kind: 'networkChanged'; readonly candidates: readonly Candidate[] }
  /** UDP is dropped here from now on, or it works (again). */
  | { readonly kind: 'udp'; readonly blocked: boolean }
  /**
   * Answers `openSockets`. `ports`: by number from socket 1 on, 0 for a closed one. `alone`: leave to scatter was
   * given.
   */
  | { readonly kind: 'sockets'; readonly ports: readonly number[]; readonly alone: boolean }
  | { readonly kind: 'close' }

/**
 * Why a tunnel ended. `noDirectPath`: only a direct path was allowed, and none was found. `unreachable`, one of:
 * - no path for GIVE_UP_MS,
 * - no path for ABSENT_MS after notice that the other side is at no CHECKPOINT,
 * - no path, and the other side has forgotten the tunnel.
 */
export type TunnelEnd = 'closed' | 'closedByOther' | 'noDirectPath' | 'unreachable'

export type TunnelEffect =
  /** This side sends its data on this path from now on. */
  | {
      readonly kind: 'path'
      readonly path: 'direct' | 'relayed'
      readonly remote: Address
      readonly socket: number
      /** 0 until it is measured. */
      readonly rttMs: number
      /** Only for a relayed path. */
      readonly whyNotDirect?: WhyNotDirect
    }
  /** There is no path for the moment: datagrams are queued. */
  | { readonly kind: 'interrupted' }
  /** `from`: the remote address of the path that brought it. */
  | { readonly kind: 'datagram'; readonly bytes: Uint8Array; readonly from: Address }
  | { readonly kind: 'streamOpen'; readonly stream: number; readonly key: Uint8Array; readonly name: string }
  | { readonly kind: 'streamAccepted'; readonly stream: number; readonly accepter: number }
  /**
   * The stream was refused. Without a reason, nobody listens for that name. `timeout`: no answer for STREAM_ANSWER_MS.
   */
  | { readonly kind: 'streamRefused'; readonly stream: number; readonly reason?: 'too-many' | 'timeout' }
  /** Ask the CHECKPOINT to direct both sides to a HANDSHAKE again. */
  | { readonly kind: 'rejoin' }
  /**
   * Open those of the sockets 1 to `count` that are closed, each on its own port over IPv4. `alone`: also asks for
   * leave to scatter. One tunnel of a host holds it at a time, until its sockets are closed.
   */
  | { readonly kind: 'openSockets'; readonly count: number; readonly alone: boolean }
  /** Close all sockets except these and the tunnel's own, and take back the leave to scatter. */
  | { readonly kind: 'closeSockets'; readonly keep: readonly number[] }
  /** The class of the NAT, for other sockets of this host. */
  | { readonly kind: 'surveyed'; readonly nat: NatClass }
  /** Ask a router to map a port for the tunnel's socket; the mapping becomes a candidate. May be emitted again. */
  | { readonly kind: 'mapPort' }
  /** The tunnel became hybrid, or is not although both sides agreed on it. */
  | { readonly kind: 'security'; readonly security: Security }
  /** The relay was released: all data goes directly. */
  | { readonly kind: 'released' }
  | { readonly kind: 'closed'; readonly end: TunnelEnd; readonly whyNotDirect?: WhyNotDirect }

export interface TunnelCounters {
  /** Datagrams that belong neither to this tunnel nor to its HANDSHAKE, relays or STUN servers. */
  unknown: number
  /** Packets that could not be opened: forged, damaged, too old or duplicates. */
  unopened: number
  /** Packets from an address that is not accepted: the tunnel is relay-only, or the book of paths is full. */
  unwanted: number
  /** Datagrams dropped from a full queue while there was no path or no key. */
  dropped: number
  oversized: number
}

export interface TunnelKept {
  readonly paths: number
  readonly probes: number
  /** Streams that this side is opening, and remembered answers to streams of the other side. */
  readonly streams: number
  /** Datagrams queued for a path or for the keys. */
  readonly waiting: number
}

/** The cost of the search for a direct path to this side. */
export interface Effort {
  /** The technique tried last: for a direct path, the one that found it. */
  readonly technique?: StepKind
  /** Number of probes sent for it. */
  readonly packets: number
}

export interface TunnelStatus {
  readonly path: 'direct' | 'relayed' | 'none'
  readonly rttMs: number
  readonly whyNotDirect?: WhyNotDirect
  /** Time from the request for the tunnel, or its acceptance, to the first packet of the other side, in milliseconds. */
  readonly firstByteMs?: number
  /** Time from the same moment to the first direct path, in milliseconds. */
  readonly directMs?: number
  readonly effort: Effort
  readonly security: Security
}
