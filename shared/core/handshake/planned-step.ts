/** The types of a plan, and what all techniques share. Side 0 is the offering side. */
import type { Address } from '../../wire/address.ts'
import type { StepKind } from '../../wire/handshake.ts'
import type { Profile } from '../../wire/profile.ts'
import type { Volley } from '../../wire/volley.ts'

export interface PlannedSide {
  /** Field of STEP (wire README, section 5): 1 for the side that sends first. */
  readonly role: 0 | 1
  readonly targets: readonly Address[]
  /** How long this side starts after the other, or 0. */
  readonly delayMs: number
  /** TTL of the first round; 0, the default, for the system's default. */
  readonly ttl?: number
  /** Overrides the step's number of rounds. */
  readonly rounds?: number
  /** 1 for the tunnel's own socket alone, n > 1 for n fresh sockets besides it. Default: 1. */
  readonly sockets?: number
  /** Pause between two packets of a round. Default: none. */
  readonly paceMs?: number
  /** Ports to send to. Default: the port of each target. */
  readonly volley?: Volley
  /** Number of fresh sockets with which this side measures the next port of its NAT before the step. */
  readonly measureSockets?: number
}

export interface PlannedStep {
  readonly kind: StepKind
  readonly sides: readonly [PlannedSide, PlannedSide]
  readonly rounds: number
  readonly intervalMs: number
  readonly timeoutMs: number
}

/** State of the two sides besides their profiles. */
export interface Standing {
  /** The technique that last worked between these two networks. */
  readonly history?: StepKind | undefined
  /** Address at which the HANDSHAKE has seen each side, proven by its session. */
  readonly seen?: readonly [Address | undefined, Address | undefined]
  /** Both sides were told of a relay. */
  readonly relayed?: boolean
}

export type Technique = (
  a: Profile,
  b: Profile,
  attempt: number,
  standing: Standing,
) => PlannedStep | undefined

/** Time after the last packet for a round trip across the world and a full-sized probe. */
export const LAST_ANSWER_MS = 1000
/**
 * TTLs that pass two NATs of the own side but not the other side's, as the path between is longer; then farther; then
 * without limit.
 */
const PRIMING_TTLS = [4, 7, 0]

/** TTL of a side's first packets: the measured hops to its own NATs, then one more, then no limit. */
export function primingTtl({ hops }: Profile, attempt: number): number {
  const ttls = hops > 0 ? [hops, hops + 1, 0] : PRIMING_TTLS
  return ttls[attempt % ttls.length]!
}

export const isSymmetric = ({ mapping }: Profile): boolean =>
  mapping === 'address' || mapping === 'addressAndPort'

/** True if the NAT accepts packets from anywhere, or from any port of an IP that it has sent to. */
export const isOpen = ({ mapping, filtering }: Profile): boolean =>
  mapping === 'independent' && (filtering === 'independent' || filtering === 'address')
