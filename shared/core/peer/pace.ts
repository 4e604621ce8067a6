/**
 * Keep-alives: one an interval holds the NAT's mapping open and shows that the node is there. One that is not answered
 * is repeated after a second; after the third in vain the node is taken for dead. The interval is the node's until the
 * life of the mapping has been measured, then half of that, at most 55 s. Below the 15 s of RFC 8085, section 3.5, only because
 * a mapping was measured to live for less than twice that.
 *
 * A peer is therefore back, at another node, at most an interval and 3 s after its node died, plus the sign-in; at
 * once when it has something to say, as a frame that is not acknowledged brings the next keep-alive forward.
 */
const REPEAT_MS = 1000
const MISSES = 3
/** From the first keep-alive that is not answered. */
export const DEAD_AFTER_MS = MISSES * REPEAT_MS
const FLOOR_MS = 2000
const CEILING_MS = 55_000

export class Pace {
  #intervalMs: number
  #dueAt: number
  /** Keep-alives since something was heard. */
  #unanswered = 0

  constructor(intervalMs: number, now: number) {
    this.#intervalMs = bounded(intervalMs)
    this.#dueAt = now + this.#intervalMs
  }

  get intervalMs(): number {
    return this.#intervalMs
  }

  set intervalMs(wanted: number) {
    const before = this.#intervalMs
    this.#intervalMs = bounded(wanted)
    if (this.#unanswered === 0) this.#dueAt += this.#intervalMs - before
  }

  heard(now: number): void {
    if (this.#unanswered > 0) this.#dueAt = now + this.#intervalMs
    this.#unanswered = 0
  }

  /** There is doubt that the node is there: ask now. */
  hurry(now: number): void {
    if (this.#unanswered === 0) this.#dueAt = Math.min(this.#dueAt, now)
  }

  /** `send`: time for a keep-alive; `dead`: three were in vain. */
  due(now: number): 'wait' | 'send' | 'dead' {
    if (now < this.#dueAt) return 'wait'
    if (this.#unanswered === MISSES) return 'dead'
    this.#unanswered++
    this.#dueAt = now + REPEAT_MS
    return 'send'
  }

  deadline(): number {
    return this.#dueAt
  }
}

const bounded = (intervalMs: number): number => Math.min(Math.max(intervalMs, FLOOR_MS), CEILING_MS)
