/** Size of the window: the number of counters, back from the greatest, whose use is remembered. */
export const WINDOW = 2048
const BITS = 32
/** One word more than the window, so that the word being filled never holds bits of the window's far end (RFC 6479). */
const WORDS = WINDOW / BITS + 1

/** Remembers which of the last counters were used. Counters are integers from 0 to 2^31 - 1. */
export class ReplayWindow {
  readonly #words = new Uint32Array(WORDS)
  #greatest: number

  /** `first`: a bit for each of the counters below 32 that was used. `greatest`: the greatest of them. Default: none. */
  constructor(first = 0, greatest = -1) {
    this.#words[0] = first
    this.#greatest = greatest
  }

  /** True if the counter was not used and is not too old. Changes nothing. */
  isFresh(counter: number): boolean {
    if (counter > this.#greatest) return true
    if (counter <= this.#greatest - WINDOW) return false
    return (this.#words[this.#wordOf(counter)]! & this.#bitOf(counter)) === 0
  }

  /** Marks a counter as used. It must be fresh. */
  mark(counter: number): void {
    if (counter > this.#greatest) this.#slide(counter)
    this.#words[this.#wordOf(counter)]! |= this.#bitOf(counter)
  }

  #slide(counter: number): void {
    const from = this.#greatest < 0 ? -1 : this.#greatest >>> 5
    const steps = Math.min((counter >>> 5) - from, WORDS)
    for (let step = 1; step <= steps; step++) this.#words[(from + step) % WORDS] = 0
    this.#greatest = counter
  }

  #wordOf(counter: number): number {
    return (counter >>> 5) % WORDS
  }

  #bitOf(counter: number): number {
    return 1 << (counter & 31)
  }
}
