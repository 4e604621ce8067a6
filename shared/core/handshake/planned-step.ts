/** What a plan is made of, and what all techniques share. Side 0 is the offering one. */
import type { Address } from '../../wire/address.ts'
import type { StepKind } from '../../wire/handshake.ts'
import type { Profile } from '../../wire/profile.ts'
import type { Volley } from '../../wire/volley.ts'

export interface PlannedSide {
  /** As in STEP: 1 for the side that sends first. */
  readonly role: 0 | 1
  readonly targets: readonly Address[]
  /** How long after the other side, or 0. */
  readonly delayMs: number
  /** Hops of the first round; 0, as without, is the system's default. */
  readonly ttl?: number
  /** In place of the step's. */
  readonly rounds?: number
  /** As in STEP; without: the tunnel's own socket, a round at once, the targets' own ports. */
  readonly sockets?: number
  readonly paceMs?: number
  readonly volley?: Volley
  /** Before the step this side measures with so many fresh sockets which port its NAT gives next. */
  readonly measureSockets?: number
}

export interface PlannedStep {
  readonly kind: StepKind
  readonly sides: readonly [PlannedSide, PlannedSide]
  readonly rounds: number
  readonly intervalMs: number
  readonly timeoutMs: number
}

/** What besides their profiles is known of the two sides. */
export interface Standing {
  /** The technique that last worked between these two networks. */
  readonly history?: StepKind | undefined
  /** Where the HANDSHAKE has seen each side: proven by its session. */
  readonly seen?: readonly [Address | undefined, Address | undefined]
  /** A relay was named to both. */
  readonly relayed?: boolean
}

export type Technique = (
  a: Profile,
  b: Profile,
  attempt: number,
  standing: Standing,
) => PlannedStep | undefined

/** After the last packet: a round trip across the world and the full-sized probe. */
export const LAST_ANSWER_MS = 1000
/** Passes two NATs of one's own and none of the other's: the core between is longer. Then farther, then all the way. */
const PRIMING_TTLS = [4, 7, 0]

/** Hops of a side's first packets: what it measured for its own routers, and one more the next time. */
export function primingTtl({ hops }: Profile, attempt: number): number {
  const ttls = hops > 0 ? [hops, hops + 1, 0] : PRIMING_TTLS
  return ttls[attempt % ttls.length]!
}

export const isSymmetric = ({ mapping }: Profile): boolean =>
  mapping === 'address' || mapping === 'addressAndPort'

/** Takes packets from where it never sent, or from any port of where it sent. */
export const isOpen = ({ mapping, filtering }: Profile): boolean =>
  mapping === 'independent' && (filtering === 'independent' || filtering === 'address')
