/**
 * One way for a tunnel's packets: an address of the other side, or of a relay, and the local socket that is used for
 * it.
 *
 *   candidate   the address was named, or a packet came from it; nothing has crossed in both directions yet
 *   open        a small probe was acknowledged
 *   fit         a full-sized probe was acknowledged in full size: data may be sent. A relay is fit once both legs are
 *               bound, as it forwards packets of any size
 *   gone        abandoned: a released relay, or a direct path that another one replaced. Packets from it are still
 *               accepted, nothing is sent to it
 *
 * A fit path that leaves its probes unanswered becomes a candidate again. The functions of this file say when a path is
 * probed next and when it counts as suspect or dead. They depend on the times in the path alone.
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
  /** Smoothed round trip time; 0 before the first acknowledgement. */
  rttMs: number
  /**
   * The last RECENT_RTTS round trips. The smallest is the path's own; whatever the others have more was spent in
   * queues.
   */
  readonly recentRttMs: number[]
  readonly loss: Loss
  /** Time of the last authentic packet that was the newest so far; -Infinity if there was none. */
  heardAt: number
  probedAt: number
  /** Time of the last acknowledged probe; -Infinity if there was none. */
  provenAt: number
  /** Time of the first probe sent after the last acknowledgement; Infinity if no probe is unanswered. */
  unackedSince: number
  /** Address at which the other side last saw this side on this path. */
  observed: Address | undefined
  /** Probes left before the path is given up, while it is not fit. */
  tries: number
  /** Credit for what may be sent before a probe was acknowledged. */
  credit: AddressCredit
  /** The other side reported that it sends its data on this path. */
  otherHere: boolean
  /** True if the path was fit before and fell silent. */
  died: boolean
  /** Time until which one end of the path is about to close. Any other direct path is better until then. */
  leavingUntil: number
}

/** Probe interval while data flows: short enough to notice a dead path, and fall back, within 2 s. */
const BUSY_PROBE_MS = 500
/** Probe interval while a path seems to lose much: a few probes do not prove it. */
const DOUBT_PROBE_MS = 150
/** Share of lost packets up to which a path counts as good. */
export const LOSES_LITTLE = 0.1
/** Interval at which an unanswered probe is repeated, so that loss alone does not kill a path. */
const HURRY_PROBE_MS = 100
/** Shorter than the mapping timeout of most NATs (30 s and more), and not below the minimum of RFC 8085 section 3.5. */
export const IDLE_PROBE_MS = 15_000
/**
 * Probe interval of a direct path that was left for a relay because it was much worse. It is used again a few minutes
 * after it has recovered.
 */
const RESTING_PROBE_MS = 3000
const CANDIDATE_PROBE_MS = 100
/** Time for an answer to the full-sized probe that follows an acknowledged small one, before it is repeated. */
const FIT_PROBE_MS = 200
const SUSPECT_MS = 300
const SILENT_MS = 300
const DEAD_MS = 1500
/** Longer than from the decision to leave a mapping to its expected end. */
const LEAVING_MS = 15_000
/** A candidate that was probed less than this long ago counts as being probed. */
export const JUST_PROBED_MS = 20
/** Enough samples that one slow answer of a busy machine does not decide. */
export const RECENT_RTTS = 4
/** Probes of a candidate that a packet came from, of one that is to become fit, and of one that was fit before. */
export const TRIES = { candidate: 6, fit: 6, revival: 10 } as const
/** Packets to an unproven address: the rounds of a step, and answers to what comes from there. */
export const UNPROVEN_CREDIT = 40

/** Credit of an address that only a packet came from: nothing else vouches for it. */
export const heardCredit = (): AddressCredit => new AddressCredit({ packets: UNPROVEN_CREDIT })

/**
 * Credit of an address that a step or a CHECKPOINT named: one full-sized probe and UNPROVEN_CREDIT small ones, before
 * anything has come from it.
 */
export const namedCredit = (): AddressCredit =>
  new AddressCredit({
    packets: UNPROVEN_CREDIT,
    bytes: LIMITS.datagramBytes + UNPROVEN_CREDIT * SMALL_PROBE_BYTES,
  })

/** True for a relay, which belongs to the fleet, and for an address that has answered a probe. */
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

/** Time at which the next probe is due. `demandAt`: when data was last sent on this path; `rests`: a relay has taken its place. */
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

/**
 * Marks a path as about to end. If it is still in use after LEAVING_MS, the expected end was wrong and the mark
 * expires.
 */
export const leave = (path: Path, now: number): void => {
  path.leavingUntil = now + LEAVING_MS
}

export const isLeaving = ({ leavingUntil }: Path, now: number): boolean => now < leavingUntil

/** Round trip time without queueing, in the network or at a busy machine. Infinity before the first. */
export const leastRttMs = ({ recentRttMs }: Path): number => Math.min(...recentRttMs)

/** Time from which data sent on this path is sent over the spare path too. */
export const suspectAt = (path: Path): number => path.unackedSince + paceOf(path, SUSPECT_MS)

/** Time from which a relay should be at hand: more probes are lost than by chance. */
export const silentAt = (path: Path): number => suspectAt(path) + SILENT_MS

/** Time from which the path is dead and no longer fit. */
export const deadAt = (path: Path): number =>
  path.unackedSince + Math.max(DEAD_MS, SUSPECT_MS + 3 * path.rttMs)

/** Marks a path as suspect until an answer comes, because it may be dead. */
export function doubt(path: Path, now: number): void {
  path.unackedSince = Math.min(path.unackedSince, now - paceOf(path, SUSPECT_MS))
}

/** A full-sized probe was acknowledged, or both legs at the relay are bound. */
export function prove(path: Path): void {
  path.state = 'fit'
  path.died = false
  path.unackedSince = never
}

/** A fit path was silent for too long. It is probed some more, as it may come back. */
export function die(path: Path): void {
  path.state = 'candidate'
  path.died = true
  path.otherHere = false
  path.unackedSince = never
  path.tries = TRIES.revival
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
/** Interval that leaves time for an answer. */
const paceOf = ({ rttMs }: Path, leastMs: number): number => Math.max(leastMs, 2 * rttMs)
