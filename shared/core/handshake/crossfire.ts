/**
 * A technique for two symmetric NATs, of which one *counts*, so that its next ports are known, and the other draws from
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
 * that the carrier's customer keeps half of its ports, and SPARE_PORTS. Each attempt draws other ports. If the block is
 * all ports, one attempt in thirty hits. That is little, but no better technique is known, and a relayed tunnel tries
 * again for as long as it lives.
 */
import type { Profile } from '../../wire/profile.ts'
import { isSymmetric, LAST_ANSWER_MS, primingTtl, type Technique } from './planned-step.ts'
import { blockOf, bothReady, PACE_MS, targetsOf } from './symmetric.ts'

const DRAWS = 96
const WINDOW = 16
/** Ports that others may have taken between the measurement and the first packet. */
const AHEAD = 40
const SPARE_PORTS = 256
/** With fewer sockets the chance of a hit is too small. */
const LEAST_SOCKETS = 16
const MAX_SOCKETS = 128
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

/**
 * Number of sockets by the ports that were actually seen: guessing a wider range must not cost the customer more ports.
 */
function socketsFor(profile: Profile): number {
  if (!isSymmetric(profile)) return 0
  if (profile.allocation === 'random') return MAX_SOCKETS
  if (profile.allocation !== 'block') return 0
  const packets = Math.floor((profile.high - profile.low) / 2) - SPARE_PORTS
  return Math.min(Math.floor(packets / WINDOW), MAX_SOCKETS)
}
