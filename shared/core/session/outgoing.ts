/**
 * The sending half of a session's reliable frames: numbered from 1, at most 32 in flight, each repeated until it is
 * acknowledged. The first repeat comes after 250 ms or twice the round trip, whichever is longer, then each after twice
 * the time of the one before, up to 2 s. When six repeats were in vain the other side is taken for dead, unless it was heard
 * lately: then the way is merely bad, and only after sixteen it is given up. A frame that was overtaken by later ones is
 * repeated as soon as that is known.
 *
 * News of others' presence waits behind everything else, and what waits of one peer is replaced by what is newer.
 */
import { sameBytes } from '../../crypto/hash.ts'
import { REF_BYTES } from '../../wire/frames.ts'
import { FRAME } from '../../wire/numbers.ts'
import type { Ack } from '../../wire/session.ts'

/** What ACK can speak of: `next`, and one bit for each of the 32 behind it. */
const IN_FLIGHT = 32
export const FIRST_REPEAT_MS = 250
const LAST_REPEAT_MS = 2000
const REPEATS = 6
const MOST_REPEATS = 16
/** The other side has said something this long ago at most: more than two of the longest waits. */
const LATELY_MS = 5000
/** Frames that wait for their turn. Enough for the longest list of results, little enough for very many sessions. */
const QUEUE = 256
/** Of which this many may be news of presence. */
const NEWS = 128
/** A presence record begins with the peer that it is of. */
const SUBJECT_BYTES = 32
/** Weight of a new sample in the smoothed round trip (RFC 6298). */
const GAIN = 1 / 8

export interface OutgoingFrame {
  readonly type: number
  readonly body: Uint8Array
  /** 0 while it waits. */
  ref: number
  repeats: number
  sentAt: number
  lastSentAt: number
  dueAt: number
}

export class Outgoing {
  #waiting: OutgoingFrame[] = []
  /** In order of their refs. */
  #flying: OutgoingFrame[] = []
  #nextRef = 1
  /** Smoothed round trip in milliseconds; 0 before the first sample. */
  roundTripMs = 0

  /** Whether nothing waits and nothing is in flight. */
  get idle(): boolean {
    return this.#waiting.length === 0 && this.#flying.length === 0
  }

  /** How many more frames are taken. */
  get room(): number {
    return QUEUE - this.#waiting.length
  }

  /** False where the queue is full: then the frame is not taken. The body must not be changed afterwards. */
  add(type: number, body: Uint8Array): boolean {
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

  /** How many at the end of those that wait are news of presence. */
  #news(): number {
    let count = 0
    while (this.#waiting.at(-1 - count)?.type === FRAME.PRESENCE) count++
    return count
  }

  /**
   * False where the ACK speaks of a frame that was never sent: the other side acknowledges what it has not received.
   * Only a frame that was sent once says how long the way is (Karn); the very first may be one that was repeated, or a
   * way longer than the first repeat would never be known.
   */
  acknowledge({ next, held }: Ack, now: number): boolean {
    const newest = held === 0 ? next - 1 : next + IN_FLIGHT - Math.clz32(held)
    if (newest >= this.#nextRef) return false
    const arrived = ({ ref }: OutgoingFrame): boolean =>
      ref < next || (ref > next && ref <= next + IN_FLIGHT && ((held >>> (ref - next - 1)) & 1) === 1)
    for (const frame of this.#flying) if (arrived(frame)) this.#sample(frame, now)
    this.#flying = this.#flying.filter((frame) => !arrived(frame))
    if (held !== 0) this.#missing(newest, now)
    return true
  }

  /**
   * Hands out what is to be sent now: what is due again, then what may join, until `each` refuses one, which then stays as
   * it was. `heardAt`: when the other side was heard last. False: it is dead.
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

  /** Whether something has been repeated in vain so far: the first sign that the other side may be gone. */
  get doubtful(): boolean {
    return this.#flying.some(({ repeats }) => repeats > 0)
  }

  #flies(frame: OutgoingFrame, now: number): void {
    frame.repeats++
    frame.lastSentAt = now
    const first = Math.max(FIRST_REPEAT_MS, 2 * this.roundTripMs)
    frame.dueAt = now + Math.min(first * 2 ** frame.repeats, Math.max(first, LAST_REPEAT_MS))
  }

  /** What should have arrived before `ref` did is due at once: it was lost, or is very late (RFC 8985). */
  #missing(ref: number, now: number): void {
    for (const frame of this.#flying) {
      if (frame.ref < ref && now - frame.lastSentAt >= this.roundTripMs) frame.dueAt = now
    }
  }

  /** The frame that joins those in flight next, undefined where none may. */
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
