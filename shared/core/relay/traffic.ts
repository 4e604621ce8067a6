/** What was forwarded from each leg, and how much in the last second. */
export class Traffic {
  readonly #packets: Float64Array
  readonly #bytes: Float64Array
  #total = 0
  #measured = 0
  #measuredAt = 0
  #bytesPerSecond = 0

  constructor(legs: number) {
    this.#packets = new Float64Array(legs)
    this.#bytes = new Float64Array(legs)
  }

  /** As of the last `measure`. */
  get bytesPerSecond(): number {
    return this.#bytesPerSecond
  }

  count(leg: number, bytes: number): void {
    this.#packets[leg]!++
    this.#bytes[leg]! += bytes
    this.#total += bytes
  }

  /** What was forwarded from a leg since this was last asked. */
  take(leg: number): { readonly packets: number; readonly bytes: number } {
    const taken = { packets: this.#packets[leg]!, bytes: this.#bytes[leg]! }
    this.#packets[leg] = 0
    this.#bytes[leg] = 0
    return taken
  }

  measure(now: number): void {
    const seconds = (now - this.#measuredAt) / 1000
    if (seconds <= 0) return
    this.#bytesPerSecond = (this.#total - this.#measured) / seconds
    this.#measured = this.#total
    this.#measuredAt = now
  }
}
