/** Inputs and effects of a `HandshakeMachine`, as plain data. */
import type { FleetKeys } from '../../crypto/fleet.ts'
import type { FleetItem } from '../../directory.ts'
import type { NodeId, TunnelId } from '../../ids.ts'
import type { WhyNotDirect } from '../../why-not-direct.ts'
import type { StepKind } from '../../wire/handshake.ts'

export interface HandshakeOptions {
  /** 32 bytes. */
  readonly seed: Uint8Array
  /** The first key seals; all of them open. */
  readonly fleetKeys: FleetKeys
  /** This node, whose own relay is the nearest. */
  readonly node: NodeId
  /** Maximum number of tunnels at a time. */
  readonly maxPairs?: number
}

export type HandshakeInput =
  /** All current leases. */
  | { readonly kind: 'fleet'; readonly items: readonly FleetItem[] }
  | { readonly kind: 'fleetKeys'; readonly fleetKeys: FleetKeys }
  /** Answers `recall`: the technique that last worked between the two networks of this tunnel. */
  | { readonly kind: 'history'; readonly tunnel: TunnelId; readonly technique?: StepKind }
  /** Accepts no further tunnels; the present ones end by `until` at the latest. */
  | { readonly kind: 'drain'; readonly until: number }

export type HandshakeEffect =
  /** Look up the technique that worked between these two networks. */
  | { readonly kind: 'recall'; readonly tunnel: TunnelId; readonly pair: string }
  /** Store the technique that worked between these two networks. */
  | { readonly kind: 'history'; readonly pair: string; readonly technique: StepKind }
  /** A tunnel waits for a relay and the known fleet has none: read the fleet again. */
  | { readonly kind: 'lookForNodes' }
  /** After `drain`: the last tunnel has ended. */
  | { readonly kind: 'drained' }

export interface HandshakeCounters {
  joins: number
  /** JOINs whose grant is not from this fleet or has expired, or that were not sealed with its key. */
  refused: number
  /** JOINs that were superseded by a later JOIN or by a session. */
  replayed: number
  /** JOINs beyond the rate limits. `full`: JOINs beyond MAX_PAIRS or while draining. */
  limited: number
  full: number
  /** Datagrams of an unknown kind or session. */
  unknown: number
  unopened: number
  /** Tunnels for which no relay was available. */
  withoutRelay: number
  /** Tunnels by the result of their first attempt: the technique that worked, or the reason why none did. */
  readonly direct: Partial<Record<StepKind, number>>
  readonly relayed: Partial<Record<WhyNotDirect, number>>
  /** Tunnels that were relayed at first and that a later attempt made direct, by technique. */
  readonly recovered: Partial<Record<StepKind, number>>
}

export const noCounts = (): HandshakeCounters => ({
  joins: 0,
  refused: 0,
  replayed: 0,
  limited: 0,
  full: 0,
  unknown: 0,
  unopened: 0,
  withoutRelay: 0,
  direct: {},
  relayed: {},
  recovered: {},
})
