/**
 * Keep-alives: one per interval keeps the NAT mapping open and shows that the node is there. An unanswered one is
 * repeated after a second; after three without an answer the node counts as dead.
 *
 * The node sets the interval until the lifetime of the mapping has been measured. Then it is half of that, at most 55
 * s. It is below the 15 s of RFC 8085, section 3.5, only if the mapping was measured to live for less than twice that.
 *
 * If the node says that it knows no session at our address (GONE), three answers are awaited at a faster pace: the NAT may
 * have another public address, and others reach this peer only after it has moved or signed in again.
 *
 * After its node died, a peer is therefore back at another node within an interval, 3 s and the sign-in. It is back
 * sooner if it has something to send, as an unacknowledged frame brings the next keep-alive forward.
 */
const REPEAT_MS = 1000
const MISSES = 3
/** Time from the first unanswered keep-alive until the node counts as dead. */
export const DEAD_AFTER_MS = MISSES * REPEAT_MS
const FLOOR_MS = 2000
/** Least pause between keep-alives after a GONE. */
const DOUBT_MS = 250
const CEILING_MS = 55_000
/** The interval of keep-alives through the gateway, each of which costs four of its messages: the longest that a node accepts. */
export const CARRIED_INTERVAL_MS = CEILING_MS

export class Pace {
  #intervalMs: number
  #dueAt: number
  /** Keep-alives sent since something was received. */
  #unanswered = 0
  #repeatMs = REPEAT_MS
  #askableAt = Number.NEGATIVE_INFINITY

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
    this.#repeatMs = REPEAT_MS
  }

  /** The node may be gone: sends the next keep-alive now. */
  hurry(now: number): void {
    if (this.#unanswered === 0) this.#dueAt = Math.min(this.#dueAt, now)
  }

  /**
   * The node may know no session at our address. Returns false if it may be asked only later: the doubt could come from a
   * forger, or from many old datagrams.
   */
  doubt(now: number, roundTripMs: number): boolean {
    if (now < this.#askableAt) return false
    this.#repeatMs = Math.min(Math.max(2 * roundTripMs, DOUBT_MS), REPEAT_MS)
    this.#askableAt = now + this.#repeatMs
    this.#dueAt = Math.min(this.#dueAt, this.#askableAt)
    return true
  }

  /** `send`: a keep-alive is due; `dead`: three were not answered. */
  due(now: number): 'wait' | 'send' | 'dead' {
    if (now < this.#dueAt) return 'wait'
    if (this.#unanswered === MISSES) return 'dead'
    this.#unanswered++
    this.#dueAt = now + this.#repeatMs
    return 'send'
  }

  deadline(): number {
    return this.#dueAt
  }
}

const bounded = (intervalMs: number): number => Math.min(Math.max(intervalMs, FLOOR_MS), CEILING_MS)
