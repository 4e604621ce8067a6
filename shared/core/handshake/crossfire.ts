/**
 * Both sides symmetric, and yet not hopeless: one *counts*, so its next ports are known, and the other draws from a *block*
 * of ports. A path needs a packet of each that meets the other's: from port p of the counting side to port r of the
 * block, and from r to p.
 *
 *   1. The counting side measures its next port, and at once sends one packet each to DRAWS ports of the block, none twice:
 *      each leaves from the next port, and dies near by. From now on it is known, but for a few foreign flows, that its ports
 *      go up from the measured one, whatever time passes.
 *   2. The block side sends from many sockets to each of WINDOW of those ports: its NAT opens as many of its ports.
 *   3. The counting side sends through the same mappings again, this time all the way.
 *
 * With T packets in the second part and R ports in the block one meets with a chance of 1 - exp(-T / R). T leaves the
 * customer of the carrier half of its ports, and SPARE_PORTS. Each attempt draws anew. Where the block is all ports, each
 * hits once in thirty times: little, and yet nothing else is known, and a relayed tunnel tries again for as long as it lives.
 */
import type { Profile } from '../../wire/profile.ts'
import { isSymmetric, LAST_ANSWER_MS, primingTtl, type Technique } from './planned-step.ts'
import { blockOf, bothReady, PACE_MS, targetsOf } from './symmetric.ts'

const DRAWS = 96
const WINDOW = 16
/** Ports that others may have taken between the measurement and the first packet. */
const AHEAD = 40
const SPARE_PORTS = 256
/** Fewer sockets hit too rarely to be worth it. */
const LEAST_SOCKETS = 16
const MAX_SOCKETS = 128
/** Fresh sockets that measure; of those the last few ask. */
const MEASURING = 4
/** Between the parts. */
const REST_MS = 300

export const crossfire: Technique = (a, b, attempt, { seen, relayed }) => {
  const [toA, toB] = [targetsOf(a, seen?.[0]), targetsOf(b, seen?.[1])]
  if (!bothReady(a, b) || !relayed || a.quiet || b.quiet || toA.length === 0 || toB.length === 0)
    return undefined
  const counting = [a, b].find(counts)
  const other = counting === a ? b : a
  const sockets = socketsFor(other)
  if (counting === undefined || sockets < LEAST_SOCKETS) return undefined
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
  const { first, count } = blockOf(other)
  const skip = (attempt * DRAWS) % count
  const volley = { first, stride: 1, count, leap: 0, seed: first + count, skip, draws: DRAWS }
  const ttl = primingTtl(own, attempt)
  return { role: 0, delayMs: 0, ttl, rounds: 2, paceMs: PACE_MS, volley, measureSockets: MEASURING } as const
}

function blockSide(own: Profile, { next, step }: Profile, sockets: number, attempt: number) {
  const stride = Math.max(step, 1)
  const first = (next + AHEAD * stride) % 0x10000
  const volley = { first, stride, count: WINDOW, leap: 0, seed: 0, skip: 0, draws: WINDOW }
  return { role: 1, ttl: primingTtl(own, attempt), rounds: 1, sockets, paceMs: PACE_MS, volley } as const
}

const counts = (profile: Profile): boolean => isSymmetric(profile) && profile.allocation === 'sequential'

/** By the ports that were seen: a range that is guessed wider must not cost the customer more. */
function socketsFor(profile: Profile): number {
  if (!isSymmetric(profile)) return 0
  if (profile.allocation === 'random') return MAX_SOCKETS
  if (profile.allocation !== 'block') return 0
  const packets = Math.floor((profile.high - profile.low) / 2) - SPARE_PORTS
  return Math.min(Math.floor(packets / WINDOW), MAX_SOCKETS)
}
