/** Legs told at once: the batch would otherwise grow to hold them all. */
const TOLD = 256
const TELL_MS = 20

/** A relay that is going: which legs have been told, when the next are, and when the rest ends. */
export class Drain {
  readonly until: number
  #told = 0
  #tellAt: number

  constructor(until: number, now: number) {
    this.until = until
    this.#tellAt = now
  }

  /** The legs to tell now, [from, to) of those below `end`. */
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
