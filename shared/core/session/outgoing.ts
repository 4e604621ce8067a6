/**
 * The sending half of a session's reliable frames. Frames are numbered from 1, at most 32 are in flight, and each is
 * retransmitted until it is acknowledged.
 *
 *   timeout     250 ms or two round trips, whichever is longer, for the first retransmission; then twice the last timeout, up
 *               to 2 s. A frame that an ACK shows to be overtaken is retransmitted immediately
 *   giving up   the other side is considered dead after six unanswered retransmissions; after sixteen if it was heard within
 *               LATELY_MS, as the path is then merely bad
 *
 * PRESENCE frames wait behind all other frames. A newer one replaces a waiting one about the same peer.
 */
import { sameBytes } from '../../crypto/hash.ts'
import { REF_BYTES } from '../../wire/frames.ts'
import { FRAME } from '../../wire/numbers.ts'
import type { Ack } from '../../wire/session.ts'

/** The frames that one ACK can report: `next`, and one bit for each of the 32 frames after it. */
const IN_FLIGHT = 32
export const FIRST_REPEAT_MS = 250
const LAST_REPEAT_MS = 2000
const REPEATS = 6
const MOST_REPEATS = 16
/** How recently the other side must have been heard to count as alive: more than two of the longest timeouts. */
const LATELY_MS = 5000
/** Capacity of the queue of waiting frames: enough for the longest list of results, small enough for very many sessions. */
const QUEUE = 256
/** Capacity of the queue for PRESENCE frames. */
const NEWS = 128
/** A presence record begins with the key of the peer that it describes. */
const SUBJECT_BYTES = 32
/** Weight of a new sample in the smoothed round-trip time (RFC 6298). */
const GAIN = 1 / 8

export interface OutgoingFrame {
  readonly type: number
  readonly body: Uint8Array
  /** 0 while the frame waits. */
  ref: number
  repeats: number
  sentAt: number
  lastSentAt: number
  dueAt: number
}

/** The list of a session that has nothing to send. Idle sessions share it. */
const NONE: OutgoingFrame[] = []

export class Outgoing {
  #waiting = NONE
  /** Frames in flight, in the order of their refs. */
  #flying = NONE
  #nextRef: number
  /** Smoothed round-trip time in milliseconds; 0 before the first sample. */
  roundTripMs: number

  constructor(nextRef = 1, roundTripMs = 0) {
    this.#nextRef = nextRef
    this.roundTripMs = roundTripMs
  }

  get nextRef(): number {
    return this.#nextRef
  }

  /** True if nothing waits and nothing is in flight. */
  get idle(): boolean {
    return this.#waiting.length === 0 && this.#flying.length === 0
  }

  /** How many more frames `add` accepts. */
  get room(): number {
    return QUEUE - this.#waiting.length
  }

  /** Queues a frame; false if the queue is full. The caller must not change the body afterwards. */
  add(type: number, body: Uint8Array): boolean {
    if (this.#waiting === NONE) this.#waiting = []
    if (type === FRAME.PRESENCE) return this.#addNews(body)
    if (this.room <= 0) return false
    this.#waiting.splice(this.#waiting.length - this.#news(), 0, waiting(type, body))
    return true
  }

  #addNews(body: Uint8Array): boolean {
    const news = this.#news()
    for (let i = this.#waiting.length - news; i < this.#waiting.length; i++) {
      if (!isOfSame(this.#waiting[i]!.body, body)) continue
      this.#waiting[i] = waiting(FRAME.PRESENCE, body)
      return true
    }
    if (this.room <= 0 || news >= NEWS) return false
    this.#waiting.push(waiting(FRAME.PRESENCE, body))
    return true
  }

  /** Number of PRESENCE frames, which are at the end of the queue. */
  #news(): number {
    let count = 0
    while (this.#waiting.at(-1 - count)?.type === FRAME.PRESENCE) count++
    return count
  }

  /**
   * Handles an ACK. Returns false if it names a frame that was never sent.
   *
   * Only a frame that was sent once yields a round-trip sample (Karn's algorithm). The very first sample is an exception: without
   * it, a round trip longer than the first timeout would never be measured.
   */
  acknowledge({ next, held }: Ack, now: number): boolean {
    const newest = held === 0 ? next - 1 : next + IN_FLIGHT - Math.clz32(held)
    if (newest >= this.#nextRef) return false
    const arrived = ({ ref }: OutgoingFrame): boolean =>
      ref < next || (ref > next && ref <= next + IN_FLIGHT && ((held >>> (ref - next - 1)) & 1) === 1)
    for (const frame of this.#flying) if (arrived(frame)) this.#sample(frame, now)
    const flying = this.#flying.filter((frame) => !arrived(frame))
    this.#flying = flying.length > 0 ? flying : NONE
    if (this.#waiting.length === 0) this.#waiting = NONE
    if (held !== 0) this.#missing(newest, now)
    return true
  }

  /**
   * Passes the frames to send now to `each`: first those due for retransmission, then new ones. Stops if `each` returns false;
   * that frame then stays as it was. `heardAt`: when the other side was last heard. Returns false if the other side is
   * considered dead.
   */
  send(now: number, heardAt: number, each: (frame: OutgoingFrame) => boolean): boolean {
    const patience = now - heardAt <= LATELY_MS ? MOST_REPEATS : REPEATS
    for (const frame of this.#flying) {
      if (frame.dueAt > now) continue
      if (frame.repeats >= patience) return false
      if (!each(frame)) return true
      this.#flies(frame, now)
    }
    for (let frame = this.#joining(); frame !== undefined; frame = this.#joining()) {
      frame.ref = this.#nextRef
      if (!each(frame)) return true
      this.#waiting.shift()
      this.#nextRef++
      frame.sentAt = now
      if (this.#flying === NONE) this.#flying = []
      this.#flying.push(frame)
      this.#flies(frame, now)
    }
    return true
  }

  deadline(): number {
    let least = Number.POSITIVE_INFINITY
    for (const { dueAt } of this.#flying) least = Math.min(least, dueAt)
    return least
  }

  /** True if a frame was retransmitted and is still unacknowledged: the first sign that the other side may be gone. */
  get doubtful(): boolean {
    return this.#flying.some(({ repeats }) => repeats > 0)
  }

  #flies(frame: OutgoingFrame, now: number): void {
    frame.repeats++
    frame.lastSentAt = now
    const first = Math.max(FIRST_REPEAT_MS, 2 * this.roundTripMs)
    frame.dueAt = now + Math.min(first * 2 ** frame.repeats, Math.max(first, LAST_REPEAT_MS))
  }

  /**
   * Makes frames before `ref` due now: they were lost, or are very late (RFC 8985). Frames sent less than one round trip ago
   * are left alone.
   */
  #missing(ref: number, now: number): void {
    for (const frame of this.#flying) {
      if (frame.ref < ref && now - frame.lastSentAt >= this.roundTripMs) frame.dueAt = now
    }
  }

  /** The next frame to put in flight; undefined if none waits or too many are in flight. */
  #joining(): OutgoingFrame | undefined {
    const oldest = this.#flying[0]
    return oldest === undefined || this.#nextRef - oldest.ref < IN_FLIGHT ? this.#waiting[0] : undefined
  }

  #sample({ repeats, sentAt }: OutgoingFrame, now: number): void {
    const sample = Math.max(now - sentAt, 1)
    if (this.roundTripMs === 0) this.roundTripMs = sample
    else if (repeats === 0) this.roundTripMs += GAIN * (sample - this.roundTripMs)
  }
}

function waiting(type: number, body: Uint8Array): OutgoingFrame {
  return { type, body, ref: 0, repeats: -1, sentAt: 0, lastSentAt: 0, dueAt: 0 }
}

const isOfSame = (a: Uint8Array, b: Uint8Array): boolean =>
  sameBytes(a.subarray(0, SUBJECT_BYTES), b.subarray(0, SUBJECT_BYTES))

export const refBytes = (ref: number): number => (ref > 0 ? REF_BYTES : 0)
