/** Legs told in one step. Otherwise the batch would grow to hold all of them. */
const TOLD = 256
const TELL_MS = 20

/** The progress of a draining relay: which legs have been told, when the next are told, and when the rest end. */
export class Drain {
  readonly until: number
  #told = 0
  #tellAt: number

  constructor(until: number, now: number) {
    this.until = until
    this.#tellAt = now
  }

  /** Returns the legs to tell now, [from, to), all below `end`. */
  next(end: number, now: number): { readonly from: number; readonly to: number } {
    const from = this.#told
    if (now < this.#tellAt) return { from, to: from }
    this.#told = Math.min(from + TOLD, end)
    this.#tellAt = this.#told < end ? now + TELL_MS : Number.POSITIVE_INFINITY
    return { from, to: this.#told }
  }

  deadline(): number {
    return Math.min(this.#tellAt, this.until)
  }
}
