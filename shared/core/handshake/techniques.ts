/**
 * The techniques of NAT traversal that a plan consists of. Each is a pure function of two profiles, and returns
 * undefined if it cannot work. Side 0 is the offering side.
 *
 * Rounds and intervals are the least that succeeds in spite of a few losses: if a technique fails, another technique
 * helps, not more packets. The first packet of a punch has a small TTL: it opens its own NAT and expires before the far
 * one. There it might occupy the port that the other side is about to use: the far router answers an unexpected packet
 * with REJECT and keeps its entry for 30 s.
 */
import { type Address, sameIp } from '../../wire/address.ts'
import { MAX_TARGETS, type StepKind } from '../../wire/handshake.ts'
import type { Profile } from '../../wire/profile.ts'
import { blockCrossfire } from './block-crossfire.ts'
import { crossfire } from './crossfire.ts'
import {
  addressesOf,
  globalIpv6Addresses,
  publicAddresses,
  samePublicIp,
  sameSubnet,
  shareOne,
} from './networks.ts'
import {
  isOpen,
  isSymmetric,
  LAST_ANSWER_MS,
  type PlannedSide,
  type PlannedStep,
  primingTtl,
  type Technique,
} from './planned-step.ts'
import { patiently, predict, scatter } from './symmetric.ts'

/** Without priming, the waiting side must not have received anything before the other side's NAT is open. */
const LATE_START_MS = 1000
/** The other side's first packet has been sent by then, so its NAT accepts what comes from here. */
const AFTER_PRIMING_MS = 10
const MAX_PUNCH_ROUNDS = 30
/** Priming with a small TTL, with a larger one, and without; after these, again with more rounds. */
const STRATEGIES = 3

/** True if the NAT accepts packets only from the exact port that was sent to, or changes its own port. */
const isStrict = (profile: Profile): boolean => isSymmetric(profile) || profile.filtering === 'addressAndPort'

/**
 * For peers behind one NAT or in one subnet. Public addresses are tried too, for a NAT with hairpinning. Private
 * addresses are used only between peers with the same public address: elsewhere they belong to other hosts.
 */
const lan: Technique = (a, b) => {
  const oneNat = samePublicIp(a, b)
  const [ownA, ownB] = oneNat
    ? [addressesOf(a, 'host'), addressesOf(b, 'host')]
    : [seenHosts(a), seenHosts(b)]
  if (!oneNat && !shareOne(ownA, ownB, sameSubnet)) return undefined
  const toB = [...nearestFirst(ownA, ownB), ...(oneNat ? publicAddresses(b) : [])]
  const toA = [...nearestFirst(ownB, ownA), ...(oneNat ? publicAddresses(a) : [])]
  return both('lan', toB, toA, { rounds: 4, intervalMs: 100, answerMs: 300 })
}

/** Both firewalls open when both sides send; no port has to be guessed. */
const ipv6: Technique = (a, b) => {
  const [toA, toB] = [globalIpv6Addresses(a), globalIpv6Addresses(b)]
  if (toA.length === 0 || toB.length === 0) return undefined
  return both('ipv6', toB, toA, { rounds: 6, intervalMs: 100, answerMs: LAST_ANSWER_MS })
}

/** A router mapped a port (PCP, NAT-PMP, UPnP), so the other side sends to that port. */
const mapped: Technique = (a, b) => {
  const [toA, toB] = [addressesOf(a, 'mapped'), addressesOf(b, 'mapped')]
  if (toA.length === 0 && toB.length === 0) return undefined
  return both('mapped', toB, toA, { rounds: 5, intervalMs: 100, answerMs: LAST_ANSWER_MS })
}

/**
 * One side accepts packets from anywhere, or from any port of an IP that it has sent to. It only primes; the other
 * side, whatever its NAT, sends first.
 */
const open: Technique = (a, b, attempt) => {
  if (isOpen(a) === isOpen(b)) return undefined
  const [toA, toB] = [publicAddresses(a), publicAddresses(b)]
  if (toA.length === 0 || toB.length === 0) return undefined
  const step = both('open', toB, toA, { rounds: 6, intervalMs: 100, answerMs: LAST_ANSWER_MS })
  const [first, second] = step.sides
  const prime = (side: PlannedSide, own: Profile) => ({ ...side, ttl: primingTtl(own, attempt) })
  const send = (side: PlannedSide, own: Profile, other: Profile) =>
    ({
      ...side,
      role: 1,
      ttl: isTolerant(other, attempt) ? 0 : primingTtl(own, attempt),
      delayMs: other.filtering === 'independent' ? 0 : AFTER_PRIMING_MS,
    }) as const
  return isOpen(a)
    ? { ...step, sides: [prime(first, a), send(second, b, a)] }
    : { ...step, sides: [send(first, a, b), prime(second, b)] }
}

/**
 * Simultaneous open: both sides prime, then both send. Each attempt differs from the one before. Both ports must be
 * known, or one side must accept packets from another port than expected.
 */
const punch: Technique = (a, b, attempt) => {
  const known = a.ready && b.ready
  if (known && ((isSymmetric(a) && isStrict(b)) || (isSymmetric(b) && isStrict(a)))) return undefined
  const [toA, toB] = [publicAddresses(a), publicAddresses(b)]
  if (toA.length === 0 || toB.length === 0) return undefined
  const rounds = Math.min(10 + 5 * Math.floor(attempt / STRATEGIES), MAX_PUNCH_ROUNDS)
  const late = primingTtl(a, attempt) === 0 ? LATE_START_MS : 0
  const answerMs = LAST_ANSWER_MS + late
  const step = both('punch', toB, toA, { rounds, intervalMs: 100, answerMs })
  const [first, second] = primed(step, a, b, attempt).sides
  const leader = attempt % 2
  return { ...step, sides: [lead(first, leader === 0, late), lead(second, leader === 1, late)] }
}

/** All techniques, in the order in which they are tried. A kind that is not listed is never planned. */
export const TECHNIQUES: readonly (readonly [StepKind, Technique])[] = [
  ['lan', lan],
  ['ipv6', ipv6],
  ['mapped', mapped],
  ['open', open],
  ['punch', punch],
  ['predict', predict],
  ['scatter', scatter],
  ['scatter', patiently],
  ['scatter', crossfire],
  ['scatter', blockCrossfire],
]

interface Timing {
  readonly rounds: number
  readonly intervalMs: number
  readonly answerMs: number
}

function both(
  kind: StepKind,
  toB: readonly Address[],
  toA: readonly Address[],
  { rounds, intervalMs, answerMs }: Timing,
): PlannedStep {
  const side = (targets: readonly Address[]): PlannedSide => ({
    role: 0,
    targets: targets.slice(0, MAX_TARGETS),
    delayMs: 0,
  })
  const timeoutMs = rounds * intervalMs + answerMs
  return { kind, sides: [side(toB), side(toA)], rounds, intervalMs, timeoutMs }
}

/**
 * Gives the first packet of each side a TTL, so that it opens its own NAT and expires before the other one. If both
 * sides tolerate early packets, no TTL is needed.
 */
function primed(step: PlannedStep, a: Profile, b: Profile, attempt: number): PlannedStep {
  if (isTolerant(a, attempt) && isTolerant(b, attempt)) return step
  const [first, second] = step.sides
  const sides = [
    { ...first, ttl: primingTtl(a, attempt) },
    { ...second, ttl: primingTtl(b, attempt) },
  ] as const
  return { ...step, sides }
}

/** True if the side accepts packets from anywhere, or is expected to tolerate an early one. */
const isTolerant = ({ filtering, forgiving }: Profile, attempt: number): boolean =>
  filtering === 'independent' || (forgiving && attempt === 0)

function lead(side: PlannedSide, first: boolean, lateMs: number): PlannedSide {
  return { ...side, role: first ? 1 : 0, delayMs: first ? 0 : lateMs }
}

/** Addresses of the host's interfaces at which it was seen, so that there is no NAT in between. */
function seenHosts(profile: Profile): readonly Address[] {
  const seen = addressesOf(profile, 'reflexive')
  return addressesOf(profile, 'host').filter((host) =>
    seen.some(({ words }) => sameIp(words, 0, host.words, 0)),
  )
}

/**
 * Puts addresses that this side has too last: bridges to containers have the same address on every host, and lead back
 * to this one. Two peers on one machine share all their addresses.
 */
function nearestFirst(own: readonly Address[], other: readonly Address[]): readonly Address[] {
  const isOwn = ({ words }: Address) => own.some((it) => sameIp(it.words, 0, words, 0))
  const near = other.filter((address) => !isOwn(address) && shareOne(own, [address], sameSubnet))
  return [...near, ...other.filter((address) => !near.includes(address))]
}
