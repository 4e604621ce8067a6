/**
 * First wait for an answer (RFC 6886 section 3.1). A router on the local network answers in a few milliseconds, or
 * never.
 */
const FIRST_MS = 250
const TRIES = 4
const never = Number.POSITIVE_INFINITY

/**
 * A request to a router that is retransmitted until it is answered: after 250 ms, doubling, and given up after 3.75 s.
 */
export class Question {
  dueAt: number
  #tries = 0

  constructor(now: number) {
    this.dueAt = now
  }

  /** Call when it is due: true to send (again), false to give up. */
  next(now: number): boolean {
    if (this.#tries === TRIES) return false
    this.dueAt = now + FIRST_MS * 2 ** this.#tries++
    return true
  }

  /** Stops the retransmission: somebody else ensures an answer. */
  entrust(): void {
    this.dueAt = never
  }
}
