/**
 * The receiving half of a session's reliable frames: delivers each frame once, in the order of refs, and says when to
 * acknowledge. An ACK may wait a little for other frames to share its packet.
 */
import type { Ack } from '../../wire/session.ts'

/** Maximum number of frames held ahead of a gap. It equals the sender's limit of frames in flight, and the width of an ACK. */
const AHEAD = 32

/** Time for an application to answer, so that the answer carries the ACK. Well below the 250 ms retransmission timeout. */
export const ACK_DELAY_MS = 20
/** Unacknowledged frames after which an ACK is sent immediately: a quarter of those that may be in flight. */
const ACK_AT_ONCE = 8
/** An ACK may be lost, so every packet sent within this time after a reliable frame repeats it. */
const ACK_AGAIN_MS = 2000
const NEVER = Number.POSITIVE_INFINITY

interface HeldFrame {
  readonly type: number
  readonly body: Uint8Array
}

export class Incoming {
  #next: number
  #held: Map<number, HeldFrame> | undefined
  /** How long an ACK may wait, in milliseconds. */
  readonly #ackDelayMs: number
  /** Frames received since the last ACK, and when the next ACK is due. */
  #unacknowledged = 0
  #ackAt = NEVER
  /** Time at which the last frame arrived. */
  #receivedAt = Number.NEGATIVE_INFINITY

  /** `next`: number of the next frame. */
  constructor(ackDelayMs: number, next = 1) {
    this.#ackDelayMs = ackDelayMs
    this.#next = next
  }

  get next(): number {
    return this.#next
  }

  /** True if nothing is held or unacknowledged, and no packet would repeat an ACK. */
  isIdle(now: number): boolean {
    return (this.#held?.size ?? 0) === 0 && this.#ackAt === NEVER && !this.repeatsAck(now)
  }

  /** Acknowledges everything that has arrived so far. */
  get ack(): Ack {
    let held = 0
    for (const ref of this.#held?.keys() ?? []) held |= 1 << (ref - this.#next - 1)
    return { next: this.#next, held: held >>> 0 }
  }

  /** Time at which the next ACK is due; Infinity if nothing is unacknowledged. */
  get ackAt(): number {
    return this.#ackAt
  }

  /** True if a packet that is sent anyway repeats the ACK. */
  repeatsAck(now: number): boolean {
    return now - this.#receivedAt < ACK_AGAIN_MS
  }

  /** An ACK was sent. */
  acknowledged(): void {
    this.#unacknowledged = 0
    this.#ackAt = NEVER
  }

  /** Counts a frame that arrived, also a repeated one, because its ACK may have been lost. */
  arrived(now: number): void {
    const delayMs = ++this.#unacknowledged < ACK_AT_ONCE ? this.#ackDelayMs : 0
    this.#ackAt = Math.min(this.#ackAt, now + delayMs)
    this.#receivedAt = now
  }

  /** Delivers the frame if it is the next one, then the held frames that follow it. A frame that must wait is copied. */
  accept(ref: number, type: number, body: Uint8Array, each: (type: number, body: Uint8Array) => void): void {
    if (ref > this.#next && ref <= this.#next + AHEAD) {
      this.#held ??= new Map()
      if (!this.#held.has(ref)) this.#held.set(ref, { type, body: body.slice() })
    }
    if (ref !== this.#next) return
    this.#next++
    each(type, body)
    this.#release(each)
  }

  #release(each: (type: number, body: Uint8Array) => void): void {
    for (let frame = this.#held?.get(this.#next); frame !== undefined; frame = this.#held?.get(this.#next)) {
      this.#held!.delete(this.#next++)
      each(frame.type, frame.body)
    }
  }
}
