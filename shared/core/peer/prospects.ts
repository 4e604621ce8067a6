/** Predicts the path of a tunnel to a peer behind each kind of NAT: the technique that the HANDSHAKE would plan first. */
import type { WhyNotDirect } from '../../why-not-direct.ts'
import { type Address, addressOf } from '../../wire/address.ts'
import type { StepKind } from '../../wire/handshake.ts'
import { type Profile, UNKNOWN_PROFILE } from '../../wire/profile.ts'
import { plan } from '../handshake/planner.ts'
import type { NatFindings } from './nat-survey.ts'

/** Facts known about this side. */
export interface NatEvidence extends NatFindings {
  /** Local addresses of the socket. */
  readonly local: readonly Address[]
}

/** The expected path of a tunnel: the technique that is tried first, or why it stays on a relay. */
export type Prospect =
  | { readonly path: 'direct'; readonly technique: StepKind }
  | { readonly path: 'relayed'; readonly whyNotDirect: WhyNotDirect }

/** Kinds of NAT in front of another peer, from the easiest to the hardest. */
export type NatKind = 'open' | 'port-restricted' | 'symmetric'
/** The expected path to a peer behind each kind of NAT. */
export type Prospects = Readonly<Record<NatKind, Prospect>>

/** An address reserved for documentation (RFC 5737). Nothing is sent to it. */
const ELSEWHERE = addressOf('192.0.2.1', 40_000)!
const OTHER: Profile = {
  ...UNKNOWN_PROFILE,
  mapping: 'independent',
  allocation: 'preserving',
  filtering: 'addressAndPort',
  forgiving: true,
  ready: true,
  candidates: [{ kind: 'reflexive', address: ELSEWHERE }],
}
const OTHERS: Readonly<Record<NatKind, Profile>> = {
  open: { ...OTHER, filtering: 'independent' },
  'port-restricted': OTHER,
  symmetric: { ...OTHER, mapping: 'addressAndPort', allocation: 'random', forgiving: false },
}

/** `givesPorts`: the router maps ports, and its external address is the public one. */
export function prospects(evidence: NatEvidence, givesPorts: boolean): Prospects {
  const own = profileOf(evidence, givesPorts)
  const against = (other: Profile): Prospect => {
    const standing = { relayed: true, seen: [evidence.reflexive[0], ELSEWHERE] } as const
    const { steps, whyNotDirect } = plan(own, other, 0, standing)
    const [first] = steps
    return first === undefined ? { path: 'relayed', whyNotDirect } : { path: 'direct', technique: first.kind }
  }
  return {
    open: against(OTHERS.open),
    'port-restricted': against(OTHERS['port-restricted']),
    symmetric: against(OTHERS.symmetric),
  }
}

function profileOf({ reflexive, local: _, ...classes }: NatEvidence, givesPorts: boolean): Profile {
  const kinds = givesPorts ? (['mapped', 'reflexive'] as const) : (['reflexive'] as const)
  const candidates = kinds.flatMap((kind) => reflexive.map((address) => ({ kind, address })))
  return { ...UNKNOWN_PROFILE, ...classes, ready: true, udpBlocked: reflexive.length === 0, candidates }
}
