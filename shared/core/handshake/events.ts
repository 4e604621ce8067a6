/** What goes into and comes out of a `HandshakeMachine`: plain data. */
import type { FleetKeys } from '../../crypto/fleet.ts'
import type { FleetItem } from '../../directory.ts'
import type { NodeId, TunnelId } from '../../ids.ts'
import type { WhyNotDirect } from '../../why-not-direct.ts'
import type { StepKind } from '../../wire/handshake.ts'

export interface HandshakeOptions {
  /** 32 bytes. */
  readonly seed: Uint8Array
  /** The first seals, all open. */
  readonly fleetKeys: FleetKeys
  /** This node: a relay on it is the nearest. */
  readonly node: NodeId
  /** Tunnels at a time. */
  readonly maxPairs?: number
}

export type HandshakeInput =
  /** All leases as they are now. */
  | { readonly kind: 'fleet'; readonly items: readonly FleetItem[] }
  | { readonly kind: 'fleetKeys'; readonly fleetKeys: FleetKeys }
  /** Answers `recall`: the technique that last worked between the two networks of this tunnel. */
  | { readonly kind: 'history'; readonly tunnel: TunnelId; readonly technique?: StepKind }
  /** No tunnel is taken that is not here; those that are here end by then at the latest. */
  | { readonly kind: 'drain'; readonly until: number }

export type HandshakeEffect =
  /** Look up what worked between these two networks. */
  | { readonly kind: 'recall'; readonly tunnel: TunnelId; readonly pair: string }
  /** It worked: worth remembering. */
  | { readonly kind: 'history'; readonly pair: string; readonly technique: StepKind }
  /** Somebody waits for a relay and the fleet as it is known has none: it may have changed. */
  | { readonly kind: 'lookForNodes' }
  /** After `drain`: the last tunnel is done. */
  | { readonly kind: 'drained' }

export interface HandshakeCounters {
  joins: number
  /** JOINs with no grant of ours, an ended one, or not made with its key. */
  refused: number
  /** JOINs that were followed by another one, or by a session. */
  replayed: number
  /** JOINs beyond what one address may send, and beyond MAX_PAIRS or while draining. */
  limited: number
  full: number
  /** Datagrams of no kind that belongs here, or of no session. */
  unknown: number
  unopened: number
  /** Tunnels that should have been given a relay, and there was none. */
  withoutRelay: number
  /** Tunnels by what their first attempt came to: the technique that worked, the reason why none did. */
  readonly direct: Partial<Record<StepKind, number>>
  readonly relayed: Partial<Record<WhyNotDirect, number>>
  /** Of those relayed at first, tunnels that a later attempt made direct. */
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
