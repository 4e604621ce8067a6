/** The receiving half of a session's reliable frames: delivers each frame once, in the order of refs. */
import type { Ack } from '../../wire/session.ts'

/** Maximum number of frames held ahead of a gap. It equals the sender's limit of frames in flight, and the width of an ACK. */
const AHEAD = 32

interface HeldFrame {
  readonly type: number
  readonly body: Uint8Array
}

export class Incoming {
  #next = 1
  #held: Map<number, HeldFrame> | undefined

  /** Acknowledges everything that has arrived so far. */
  get ack(): Ack {
    let held = 0
    for (const ref of this.#held?.keys() ?? []) held |= 1 << (ref - this.#next - 1)
    return { next: this.#next, held: held >>> 0 }
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
