/**
 * Plans the steps that could make a pair direct, in order, and the reason to report if all fail. The plan is a pure
 * function of the two profiles, the number of the attempt, and what worked before between these networks.
 *
 * The HANDSHAKE plans again after each step, as profiles grow meanwhile, and runs the first step that it has not run
 * yet. A failed step is not repeated unchanged: each attempt changes TTL, leading side, windows and pace.
 */

import type { WhyNotDirect } from '../../why-not-direct.ts'
import type { StepKind } from '../../wire/handshake.ts'
import type { Profile } from '../../wire/profile.ts'
import { addressesOf, globalIpv6Addresses, publicAddresses } from './networks.ts'
import { isOpen, isSymmetric, type PlannedStep, type Standing } from './planned-step.ts'
import { TECHNIQUES } from './techniques.ts'

export type { PlannedSide, PlannedStep, Standing } from './planned-step.ts'

export interface Plan {
  readonly steps: readonly PlannedStep[]
  /** The reason to report if every step has failed, or if there is none. */
  readonly whyNotDirect: WhyNotDirect
}

/** `attempt` counts from 0. */
export function plan(a: Profile, b: Profile, attempt: number, standing: Standing = {}): Plan {
  const never = impossible(a, b)
  if (never !== undefined) return { steps: [], whyNotDirect: never }
  const steps = TECHNIQUES.map(([, technique]) => technique(a, b, attempt, standing)).filter(
    (step) => step !== undefined,
  )
  return { steps: provenFirst(steps, standing.history), whyNotDirect: reason(a, b, steps) }
}

/**
 * True if no further evidence changes the first step: one side is open or has a port mapped by its router, or both have
 * IPv6.
 */
export function isPlain(a: Profile, b: Profile): boolean {
  if ([a, b].every((side) => globalIpv6Addresses(side).length > 0)) return true
  const areSeen = [a, b].every((side) => publicAddresses(side).length > 0)
  return (
    areSeen && [a, b].some((side) => (side.ready && isOpen(side)) || addressesOf(side, 'mapped').length > 0)
  )
}

function impossible(a: Profile, b: Profile): WhyNotDirect | undefined {
  if (a.paths === 'relay-only' || b.paths === 'relay-only') return 'policy'
  if (a.udpBlocked || b.udpBlocked) return 'udp-blocked'
  return undefined
}

function provenFirst(steps: readonly PlannedStep[], history?: StepKind): readonly PlannedStep[] {
  const proven = steps.filter(({ kind }) => kind === history)
  return [...proven, ...steps.filter(({ kind }) => kind !== history)]
}

function reason(a: Profile, b: Profile, steps: readonly PlannedStep[]): WhyNotDirect {
  if (isSymmetric(a) && isSymmetric(b)) return 'both-symmetric'
  if (a.pooled || b.pooled) return 'address-pool'
  if (isSymmetric(a) || isSymmetric(b)) return 'symmetric'
  return steps.length === 0 ? 'no-candidates' : 'probe-timeout'
}
