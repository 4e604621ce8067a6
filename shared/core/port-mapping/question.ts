/** First wait for an answer (RFC 6886 section 3.1). A router of the own network answers in a few milliseconds, or never. */
const FIRST_MS = 250
const TRIES = 4
const never = Number.POSITIVE_INFINITY

/** Something asked of a router until it is answered: after 250 ms again, doubling, and given up after 3.75 s. */
export class Question {
  dueAt: number
  #tries = 0

  constructor(now: number) {
    this.dueAt = now
  }

  /** When it is due: true to ask (again), false to give up. */
  next(now: number): boolean {
    if (this.#tries === TRIES) return false
    this.dueAt = now + FIRST_MS * 2 ** this.#tries++
    return true
  }

  /** Somebody else sees to it that an answer comes. */
  entrust(): void {
    this.dueAt = never
  }
}
