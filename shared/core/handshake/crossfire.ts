/**
 * A technique for two symmetric NATs. One *counts*, so that its next ports are known, and the other draws from
 * a *block* of ports. A path needs two packets that meet: one from port p of the counting side to port r of the block,
 * and one from r to p.
 *
 *   1. The counting side measures its next port. It immediately sends one packet each to DRAWS ports of the block, none
 *      twice. Each packet leaves from the next port and has a small TTL. From then on its ports are known, except for a few
 *      foreign flows: they count up from the measured one, however long the rest takes.
 *   2. The block side sends from many sockets to each of WINDOW of those ports, and so opens as many ports of its NAT.
 *   3. The counting side sends through the same mappings again, this time without a TTL.
 *
 * With T packets in the second part and R ports in the block, the chance of a hit is 1 - exp(-T / R). T is limited so
 * that the carrier's customer keeps enough ports (`flows.ts`); before a small block is given up, its side finds out whether
 * its NAT overloads ports. Each attempt draws other ports. If the block is all ports, one attempt in twenty-five hits. That
 * is little, but no better technique is known, and a relayed tunnel tries again for as long as it lives.
 */
import type { Profile } from '../../wire/profile.ts'
import {
  atBest,
  chanceOf,
  ENOUGH_HITS,
  isWorthMeasuring,
  LEAST_CHANCE,
  MAX_FLOWS,
  mostFlows,
  sizeOf,
} from './flows.ts'
import { isSymmetric, LAST_ANSWER_MS, primingTtl, type Technique } from './planned-step.ts'
import { bothReady, HIGHEST_PORT, LOWEST_PORT, PACE_MS, targetsOf } from './symmetric.ts'

const DRAWS = 96
const WINDOW = 16
/** Ports that others may have taken between the measurement and the first packet. */
const AHEAD = 40
const MAX_SOCKETS = MAX_FLOWS / WINDOW
/** With the samples of the evidence, 64 more show an overloading block of 512 ports in 999 of 1,000 cases. */
const SAMPLING_SOCKETS = 16
/** Fresh sockets for the measurement; the last few of them send. */
const MEASURING = 4
/** Pause between the parts. */
const REST_MS = 300

export const crossfire: Technique = (a, b, attempt, { seen, relayed }) => {
  const [toA, toB] = [targetsOf(a, seen?.[0]), targetsOf(b, seen?.[1])]
  if (!bothReady(a, b) || !relayed || a.quiet || b.quiet || toA.length === 0 || toB.length === 0)
    return undefined
  const counting = [a, b].find(counts)
  const other = counting === a ? b : a
  if (counting === undefined || !isWorthIt(other)) return undefined
  const sockets = socketsFor(other)
  const primeMs = DRAWS * PACE_MS
  const openMs = sockets * WINDOW * PACE_MS
  const intervalMs = primeMs + openMs + REST_MS
  const side = (own: Profile, targets: typeof toA) =>
    own === counting
      ? { ...countingSide(own, other, attempt), targets }
      : { ...blockSide(own, counting, sockets, attempt), targets, delayMs: primeMs }
  const timeoutMs = intervalMs + primeMs + LAST_ANSWER_MS
  return { kind: 'scatter', sides: [side(a, toB), side(b, toA)], rounds: 1, intervalMs, timeoutMs }
}

function countingSide(own: Profile, other: Profile, attempt: number) {
  const { first, count } = aimOf(other)
  const skip = (attempt * DRAWS) % count
  const volley = { first, stride: 1, count, leap: 0, seed: first + count, skip, draws: DRAWS }
  const ttl = primingTtl(own, attempt)
  return { role: 0, delayMs: 0, ttl, rounds: 2, paceMs: PACE_MS, volley, measureSockets: MEASURING } as const
}

/** The ports that the other NAT has surely drawn from: all of them are equally good. */
const aimOf = ({ allocation, low, high }: Profile) =>
  allocation === 'block'
    ? { first: low, count: high - low + 1 }
    : { first: LOWEST_PORT, count: HIGHEST_PORT - LOWEST_PORT + 1 }

function blockSide(own: Profile, { next, step }: Profile, sockets: number, attempt: number) {
  const stride = Math.max(step, 1)
  const first = (next + AHEAD * stride) % 0x10000
  const volley = { first, stride, count: WINDOW, leap: 0, seed: 0, skip: 0, draws: WINDOW }
  const measured = isSampled(own) ? {} : { measureSockets: SAMPLING_SOCKETS }
  const ttl = primingTtl(own, attempt)
  return { role: 1, ttl, rounds: 1, sockets, paceMs: PACE_MS, volley, ...measured } as const
}

const counts = (profile: Profile): boolean => isSymmetric(profile) && profile.allocation === 'sequential'

/** True if a block is small enough for the flows that its customer can spare, or it is all ports. */
function isWorthIt(profile: Profile): boolean {
  if (!isSymmetric(profile)) return false
  if (profile.allocation === 'random') return true
  return profile.allocation === 'block' && isLikely(atBest(profile))
}

/** False if it is worth finding out first whether the NAT overloads ports. */
const isSampled = (profile: Profile): boolean =>
  profile.allocation !== 'block' || !isWorthMeasuring(profile) || isLikely(profile)

const isLikely = (profile: Profile): boolean => chanceOf(mostFlows(profile) / sizeOf(profile)) >= LEAST_CHANCE

function socketsFor(profile: Profile): number {
  const enough = ENOUGH_HITS * sizeOf(profile)
  const flows = profile.allocation === 'random' ? MAX_FLOWS : Math.min(mostFlows(profile), enough)
  return Math.max(Math.min(Math.floor(flows / WINDOW), MAX_SOCKETS), 1)
}
