/**
 * Techniques against symmetric NATs. The NAT of the *hard* side maps each destination to another port, so its next port
 * is unknown. The NAT of the *easy* side accepts packets only from the exact port that was sent to.
 *
 * predict: the hard side's ports are foreseeable. They increase by a step, or the NAT preserves the local port of a
 * fresh socket. The hard side measures the next port at the last moment. Then the easy side sends to a window of ports
 * from there on, and the hard side sends from fresh sockets. If both sides count upwards, they aim at each other: the
 * n-th packet of each leaves from the port at which the n-th packet of the other is aimed. One side shifts its aim
 * after every few packets, as foreign traffic has moved both counters by an unknown number.
 *
 * scatter: the ports are random within a range, which the birthday paradox makes feasible. The hard side opens its NAT
 * from many sockets, the easy side sends to many ports of the range, none twice. With R ports, N sockets and M probes
 * the chance of a miss is C(R-N, M) / C(R, M): 0.0003 for all 64,512 ports with 255 and 2,048. A failure suggests that
 * a router dropped most packets, as some accept only a hundred new flows a second. Then it is done again, slowly
 * (`patiently`).
 *
 * Both techniques send only to the IP at which the HANDSHAKE has seen the other side. `scatter` runs only while a relay
 * carries the tunnel. Sizes follow from the range in the evidence. Window, part of the range, TTL and pace differ
 * between attempts.
 */
import { type Address, isIpv4, sameIp } from '../../wire/address.ts'
import type { Profile } from '../../wire/profile.ts'
import type { Volley } from '../../wire/volley.ts'
import { publicAddresses } from './networks.ts'
import {
  isOpen,
  isSymmetric,
  LAST_ANSWER_MS,
  type PlannedSide,
  type PlannedStep,
  primingTtl,
  type Standing,
  type Technique,
} from './planned-step.ts'

/** 500 packets a second: less than home routers and their watchdogs consider an attack. */
export const PACE_MS = 2
/** For routers that accept only a limited number of new flows a second. */
const PATIENT_PACE_MS = 10
/** First attempt in which time no longer matters. */
const PATIENT_ATTEMPT = 2
const PREDICT_ROUNDS = 3
/** Pause between the rounds, as an answer may be on its way. */
const REST_MS = 100
/** Fresh sockets of a hard side whose ports are predicted: each takes one port of the window. */
const PREDICT_SOCKETS = 8
/** One socket that keeps its port, and one in reserve. */
const PRESERVED_SOCKETS = 2
/** Ports after the measured one; doubled with each attempt. */
const WINDOW = 32
const MAX_WINDOW = 256
/**
 * If both sides count: packets for each aim, and number of aims. With 250 shifts a second the aim moves faster than
 * other traffic takes ports.
 */
const AIM_PACKETS = 2
const AIM_SHIFTS = 64
const MAX_DRAWS = 2048
/** With 255 sockets the chance of a miss is 5 %. */
const PATIENT_DRAWS = 768
export const LOWEST_PORT = 1024
export const HIGHEST_PORT = 65_535
/** Share of the sampled range added at both ends; with 32 samples the true range is wider with a chance of 2 %. */
const BEYOND = 0.12
const PRIME_AGAIN_MS = 2500

export const predict: Technique = (a, b, attempt, { seen }) => {
  const [toA, toB] = [targetsOf(a, seen?.[0]), targetsOf(b, seen?.[1])]
  if (!bothReady(a, b) || toA.length === 0 || toB.length === 0 || !isForeseeable(a, b)) return undefined
  const bothHard = isSymmetric(a) && isSymmetric(b)
  const side = (own: Profile, other: Profile, targets: readonly Address[], shifts: boolean): PlannedSide => ({
    role: isSymmetric(own) ? 1 : 0,
    targets,
    delayMs: 0,
    ttl: primingTtl(own, attempt),
    paceMs: PACE_MS,
    ...(isSymmetric(own) && { measureSockets: freshSockets(own), sockets: bothHard ? 1 : freshSockets(own) }),
    ...(isSymmetric(other) && { volley: bothHard ? aim(other, shifts) : window(other, attempt) }),
  })
  const sides = [side(a, b, toB, attempt % 2 === 0), side(b, a, toA, attempt % 2 === 1)] as const
  const intervalMs = REST_MS + PACE_MS * Math.max(...sides.map(({ volley }) => volley?.draws ?? 0))
  const timeoutMs = PREDICT_ROUNDS * intervalMs + LAST_ANSWER_MS
  return { kind: 'predict', sides, rounds: PREDICT_ROUNDS, intervalMs, timeoutMs }
}

interface Effort {
  readonly paceMs: number
  readonly draws: number
}

export const scatter: Technique = (a, b, attempt, standing) =>
  attempt < PATIENT_ATTEMPT
    ? scattered(a, b, attempt, standing, { paceMs: PACE_MS, draws: MAX_DRAWS })
    : undefined

export const patiently: Technique = (a, b, attempt, standing) =>
  scattered(a, b, attempt, standing, { paceMs: PATIENT_PACE_MS, draws: PATIENT_DRAWS })

function scattered(
  a: Profile,
  b: Profile,
  attempt: number,
  { seen, relayed }: Standing,
  { paceMs, draws }: Effort,
): PlannedStep | undefined {
  if (!bothReady(a, b) || !relayed || a.quiet || b.quiet || isSymmetric(a) === isSymmetric(b))
    return undefined
  const [toA, toB] = [targetsOf(a, seen?.[0]), targetsOf(b, seen?.[1])]
  const hard = isSymmetric(a) ? a : b
  if (toA.length === 0 || toB.length === 0 || isOpen(hard === a ? b : a)) return undefined
  const volley = draw(hard, attempt, draws)
  const sockets = socketsFor(volley.count)
  const delayMs = (sockets * paceMs) / 2
  const primes = { role: 1, delayMs: 0, ttl: primingTtl(hard, attempt), rounds: 2, sockets, paceMs } as const
  const probes = { role: 0, delayMs, ttl: 0, rounds: 1, volley, paceMs } as const
  const side = (own: Profile, targets: readonly Address[]) => ({
    ...(own === hard ? primes : probes),
    targets,
  })
  const timeoutMs = delayMs + volley.draws * paceMs + LAST_ANSWER_MS
  return {
    kind: 'scatter',
    sides: [side(a, toB), side(b, toA)],
    rounds: 1,
    intervalMs: PRIME_AGAIN_MS,
    timeoutMs,
  }
}

export const bothReady = (a: Profile, b: Profile): boolean => a.ready && b.ready

/** At least one side is hard; if both are, both must count upwards. */
function isForeseeable(a: Profile, b: Profile): boolean {
  const hard = [a, b].filter(isSymmetric)
  const counting = hard.filter(({ allocation }) => allocation === 'sequential')
  if (hard.length === 1 && hard[0]!.allocation === 'preserving') return !isOpen(hard[0] === a ? b : a)
  return hard.length > 0 && counting.length === hard.length && !isOpen(a) && !isOpen(b)
}

/** The other side's proven address, if its profile names the same IP. */
export function targetsOf(profile: Profile, seen: Address | undefined): readonly Address[] {
  if (seen === undefined || !isIpv4(seen.words)) return []
  const own = publicAddresses(profile).find(({ words }) => sameIp(words, 0, seen.words, 0))
  return own === undefined ? [] : [seen]
}

const freshSockets = ({ allocation }: Profile): number =>
  allocation === 'preserving' ? PRESERVED_SOCKETS : PREDICT_SOCKETS

function window({ allocation, next, step }: Profile, attempt: number): Volley {
  const count = allocation === 'preserving' ? 1 : Math.min(WINDOW * 2 ** attempt, MAX_WINDOW)
  return { first: next, stride: Math.max(step, 1), count, leap: 0, seed: 0, skip: 0, draws: count }
}

function aim({ next, step }: Profile, shifts: boolean): Volley {
  const count = AIM_PACKETS * AIM_SHIFTS
  const leap = shifts ? AIM_PACKETS : 0
  return { first: next, stride: Math.max(step, 1), count, leap, seed: 0, skip: 0, draws: count }
}

/** The range of ports that the NAT assigns, as far as samples show. */
export function blockOf({ allocation, low, high }: Profile): {
  readonly first: number
  readonly count: number
} {
  const beyond = Math.ceil((high - low) * BEYOND) + 8
  const [first, last] =
    allocation === 'block'
      ? [Math.max(low - beyond, LOWEST_PORT), Math.min(high + beyond, HIGHEST_PORT)]
      : [LOWEST_PORT, HIGHEST_PORT]
  return { first, count: last - first + 1 }
}

function draw(hard: Profile, attempt: number, draws: number): Volley {
  const { first, count } = blockOf(hard)
  const skip = (attempt * MAX_DRAWS) % count
  return { first, stride: 1, count, leap: 0, seed: first + count, skip, draws: Math.min(count, draws) }
}

/** Enough sockets for an almost certain hit, and few enough for the quota of a carrier's port block. */
function socketsFor(ports: number): number {
  if (ports <= 1024) return 32
  return ports <= 4096 ? 64 : 255
}
