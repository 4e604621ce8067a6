/**
 * A technique for two symmetric NATs that both give each customer a *block* of ports. A path needs two flows that meet: one
 * from port p of one block to port q of the other, and one from q to p.
 *
 *   1. If it is not known whether a NAT overloads ports, its side samples more of them. Without overloading, the flows must
 *      leave the customer enough ports.
 *   2. One side sends from many sockets to some ports of the other's block. Each packet opens another port of its own NAT and
 *      has a small TTL. This side changes with each attempt.
 *   3. The other side does the same without a TTL. A packet that meets a flow of the first side passes its NAT.
 *
 * With N and M flows into blocks of R and S ports, N·M / (R·S) packets are expected to meet: two thousand flows of each side
 * open two blocks of 1,024 ports in 98 % of attempts. Ports outside the block are never aimed at: all ports within are
 * equally good, so the seen range will do.
 */
import type { Profile } from '../../wire/profile.ts'
import type { Volley } from '../../wire/volley.ts'
import { atBest, chanceOf, ENOUGH_HITS, isWorthMeasuring, LEAST_CHANCE, mostFlows, sizeOf } from './flows.ts'
import { isSymmetric, LAST_ANSWER_MS, type PlannedSide, primingTtl, type Technique } from './planned-step.ts'
import { bothReady, PACE_MS, targetsOf } from './symmetric.ts'

/** Sockets of a side; each sends to as many ports as the number of flows takes. */
const SOCKETS = 32
const MANY_SOCKETS = 64
const MANY_FLOWS = 1024
/** With the samples of the evidence, 64 more show an overloading block of 512 ports in 999 of 1,000 cases. */
const MEASURING_SOCKETS = 16

export const blockCrossfire: Technique = (a, b, attempt, { seen, relayed }) => {
  const [toA, toB] = [targetsOf(a, seen?.[0]), targetsOf(b, seen?.[1])]
  if (!bothReady(a, b) || !relayed || a.quiet || b.quiet || toA.length === 0 || toB.length === 0)
    return undefined
  if (![a, b].every(hasBlock) || chanceBetween(atBest(a), atBest(b)) < LEAST_CHANCE) return undefined
  const isMeasured = ![a, b].some(isWorthMeasuring)
  if (isMeasured && chanceBetween(a, b) < LEAST_CHANCE) return undefined
  const first = attempt % 2
  const flows = flowsBetween(a, b)
  const firstMs = flows[first]! * PACE_MS
  const side = (own: Profile, other: Profile, at: 0 | 1, targets: typeof toA): PlannedSide => ({
    ...grid(flows[at], other, attempt),
    ...(at === first
      ? { role: 1, delayMs: 0, ttl: primingTtl(own, attempt) }
      : { role: 0, delayMs: firstMs }),
    ...(isWorthMeasuring(own) && { measureSockets: MEASURING_SOCKETS }),
    ...{ rounds: 1, paceMs: PACE_MS, targets },
  })
  const timeoutMs = (flows[0] + flows[1]) * PACE_MS + LAST_ANSWER_MS
  const sides = [side(a, b, 0, toB), side(b, a, 1, toA)] as const
  return { kind: 'scatter', sides, rounds: 1, intervalMs: timeoutMs, timeoutMs }
}

const hasBlock = (profile: Profile): boolean => isSymmetric(profile) && profile.allocation === 'block'

const chanceBetween = (a: Profile, b: Profile): number => {
  const [flowsA, flowsB] = flowsBetween(a, b)
  return chanceOf((flowsA * flowsB) / (sizeOf(a) * sizeOf(b)))
}

/** As few flows as are enough; if one side may not open that many, the other opens more. */
function flowsBetween(a: Profile, b: Profile): readonly [number, number] {
  const wanted = ENOUGH_HITS * sizeOf(a) * sizeOf(b)
  const even = Math.ceil(Math.sqrt(wanted))
  const flowsA = Math.min(Math.max(even, Math.ceil(wanted / (mostFlows(b) || 1))), mostFlows(a))
  const flowsB = Math.min(Math.ceil(wanted / (flowsA || 1)), mostFlows(b))
  return [flowsA, flowsB]
}

/** The flows of one side: each of its sockets sends to each of some ports of the other side. */
function grid(flows: number, other: Profile, attempt: number): { sockets: number; volley: Volley } {
  const sockets = flows > MANY_FLOWS ? MANY_SOCKETS : SOCKETS
  const count = sizeOf(other)
  const draws = Math.min(Math.max(Math.floor(flows / sockets), 1), count)
  const skip = (attempt * draws) % count
  return {
    sockets,
    volley: { first: other.low, stride: 1, count, leap: 0, seed: other.high + 1, skip, draws },
  }
}
