/**
 * One concrete way a tunnel's packets may travel: an address of the other side, or of a relay, seen from one socket.
 *
 *   candidate   somebody named the address, or a packet came from there; nothing has crossed both ways yet
 *   open        a probe was acknowledged
 *   fit         a probe of full size was acknowledged in full size: data may go there (a relay is fit once both legs are
 *               bound: it carries what it is given)
 *   gone        given up, a relay or what another direct path has replaced: what still comes from there is taken, nothing is
 *               sent there
 *
 * A fit path that leaves its probes unanswered becomes a candidate again. These functions say when a path is probed next
 * and when it counts as suspect or dead; they decide from its times alone.
 */
import { LIMITS } from '../../limits.ts'
import type { Address } from '../../wire/address.ts'
import { SMALL_PROBE_BYTES } from '../../wire/tunnel.ts'
import { AddressCredit } from '../address-credit.ts'
import { Loss } from './loss.ts'

export interface Path {
  readonly kind: 'direct' | 'relayed'
  readonly words: Uint32Array
  readonly socket: number
  readonly bornAt: number
  state: 'candidate' | 'open' | 'fit' | 'gone'
  /** Smoothed; 0 before the first acknowledgement. */
  rttMs: number
  /** The last RECENT_RTTS round trips. The least of them is the path's own: the rest of the others was waiting. */
  readonly recentRttMs: number[]
  readonly loss: Loss
  /** When a packet that opened last came from there; -Infinity never. */
  heardAt: number
  probedAt: number
  /** When a probe was last acknowledged; -Infinity never. */
  provenAt: number
  /** When the first probe after the last acknowledgement was sent; Infinity when none is unanswered. */
  unackedSince: number
  /** Where the other side last saw this one by it. */
  observed: Address | undefined
  /** Probes left before it is given up, while it is not fit. */
  tries: number
  /** What it may be sent before anything was acknowledged. */
  credit: AddressCredit
  /** The other side said that it sends its data this way. */
  otherHere: boolean
  /** It was fit before and fell silent. */
  died: boolean
  /** Until then one of its ends is about to be given up: any other direct path is better. */
  leavingUntil: number
}

/** While data flows: often enough to notice a dead path, and fall back, within 2 s. */
const BUSY_PROBE_MS = 500
/** While it seems to lose much: what few probes say has to be made sure of. */
const DOUBT_PROBE_MS = 150
/** Of packets, lost. */
export const LOSES_LITTLE = 0.1
/** An unanswered probe is repeated at this pace, so that loss alone does not kill a path. */
const HURRY_PROBE_MS = 100
/** Shorter than most NATs forget a mapping after (30 s and more); RFC 8085 section 3.5 asks for no less. */
export const IDLE_PROBE_MS = 15_000
/** A direct path that was left for a relay, as it was much worse: it comes back a few minutes after it is fine. */
const RESTING_PROBE_MS = 3000
const CANDIDATE_PROBE_MS = 100
/** After a small probe crossed, a large one has this long before it is repeated. */
const FIT_PROBE_MS = 200
const SUSPECT_MS = 300
const SILENT_MS = 300
const DEAD_MS = 1500
/** Longer than from the decision to leave to the end that was foretold. */
const LEAVING_MS = 15_000
/** Enough that one slow answer, of a machine that was busy, does not speak for a path. */
export const RECENT_RTTS = 4
/** Tries of a candidate that was heard of, of one that is to become fit, of one that was fit before. */
export const TRIES = { candidate: 6, fit: 6, revival: 10 } as const
/** Packets to an address that has proven nothing: a step's rounds and the answers to what comes from there. */
export const UNPROVEN_CREDIT = 40

/** An address that was only heard: nobody but a packet that opens says that anyone is there. */
export const heardCredit = (): AddressCredit => new AddressCredit({ packets: UNPROVEN_CREDIT })

/** An address that a step or a CHECKPOINT named: one probe of full size and small ones, before anything came from there. */
export const namedCredit = (): AddressCredit =>
  new AddressCredit({
    packets: UNPROVEN_CREDIT,
    bytes: LIMITS.datagramBytes + UNPROVEN_CREDIT * SMALL_PROBE_BYTES,
  })

/** A relay is the fleet's; another address is validated by the answer to a probe. */
export const isValidated = ({ kind, state }: Path): boolean =>
  kind === 'relayed' || state === 'open' || state === 'fit'

export function newPath(
  kind: Path['kind'],
  words: Uint32Array,
  socket: number,
  credit: AddressCredit,
  now: number,
): Path {
  return {
    kind,
    words,
    socket,
    bornAt: now,
    state: 'candidate',
    rttMs: 0,
    recentRttMs: [],
    loss: new Loss(),
    heardAt: Number.NEGATIVE_INFINITY,
    probedAt: Number.NEGATIVE_INFINITY,
    provenAt: Number.NEGATIVE_INFINITY,
    unackedSince: Number.POSITIVE_INFINITY,
    tries: 0,
    credit,
    otherHere: false,
    died: false,
    leavingUntil: Number.NEGATIVE_INFINITY,
    observed: undefined,
  }
}

/** When the next probe is due. `demandAt`: when data was last sent this way; `rests`: a relay has taken its place. */
export function probeDueAt(path: Path, demandAt: number, rests = false): number {
  if (path.state === 'gone') return never
  if (path.state === 'candidate') return path.tries > 0 ? path.probedAt + CANDIDATE_PROBE_MS : never
  if (path.state === 'open') return path.tries > 0 ? path.probedAt + paceOf(path, FIT_PROBE_MS) : never
  if (path.unackedSince !== never) return Math.max(path.probedAt + HURRY_PROBE_MS, suspectAt(path))
  if (rests) return path.probedAt + RESTING_PROBE_MS
  if (demandAt < path.probedAt) return path.probedAt + IDLE_PROBE_MS
  return path.probedAt + (path.loss.share > LOSES_LITTLE ? paceOf(path, DOUBT_PROBE_MS) : BUSY_PROBE_MS)
}

export const probeBytes = ({ state }: Path): number =>
  state === 'open' ? LIMITS.datagramBytes : SMALL_PROBE_BYTES

/** One that was not left by then stays what it was: its end was not where it was expected. */
export const leave = (path: Path, now: number): void => {
  path.leavingUntil = now + LEAVING_MS
}

export const isLeaving = ({ leavingUntil }: Path, now: number): boolean => now < leavingUntil

/** What a round trip takes when nothing waits: neither at a busy machine nor in a full queue. Infinity before the first. */
export const leastRttMs = ({ recentRttMs }: Path): number => Math.min(...recentRttMs)

/** From then on what is sent this way is sent over the relay too. */
export const suspectAt = (path: Path): number => path.unackedSince + paceOf(path, SUSPECT_MS)

/** From then on it is worth having a relay at hand. A few probes more are lost than chance alone loses. */
export const silentAt = (path: Path): number => suspectAt(path) + SILENT_MS

/** From then on a fit path is fit no more. */
export const deadAt = (path: Path): number =>
  path.unackedSince + Math.max(DEAD_MS, SUSPECT_MS + 3 * path.rttMs)

/** There is reason to think that it is dead: it is suspect until an answer comes. */
export function doubt(path: Path, now: number): void {
  path.unackedSince = Math.min(path.unackedSince, now - paceOf(path, SUSPECT_MS))
}

export function abandon(path: Path): void {
  path.state = 'gone'
  path.unackedSince = never
}

export function acknowledged(path: Path, sentAt: number, now: number): void {
  const rttMs = Math.max(now - sentAt, 1)
  path.rttMs = path.rttMs === 0 ? rttMs : (7 * path.rttMs + rttMs) / 8
  path.recentRttMs.push(rttMs)
  if (path.recentRttMs.length > RECENT_RTTS) path.recentRttMs.shift()
  path.provenAt = now
  path.unackedSince = path.probedAt > sentAt ? path.probedAt : never
  path.credit = namedCredit()
}

const never = Number.POSITIVE_INFINITY
/** Not before an answer could be there. */
const paceOf = ({ rttMs }: Path, leastMs: number): number => Math.max(leastMs, 2 * rttMs)
