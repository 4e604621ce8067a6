/** One token bucket shared by all: a rate and a burst (GCRA: the bucket is one number). */
export class TokenBucket {
  readonly #intervalMs: number
  readonly #burstMs: number
  #fullAt = 0

  constructor(perSecond: number, burst: number) {
    this.#intervalMs = 1000 / perSecond
    this.#burstMs = burst * this.#intervalMs
  }

  /** Takes `tokens`; false, without taking any, if fewer are left. */
  take(tokens: number, now: number): boolean {
    const fullAt = Math.max(this.#fullAt, now) + tokens * this.#intervalMs
    if (fullAt - now > this.#burstMs) return false
    this.#fullAt = fullAt
    return true
  }
}
