/** Things that are due a fixed time after they were put in: so they come out in the order in which they went in. */
export class DelayLine<T> {
  readonly #delayMs: number
  #waiting: { readonly item: T; readonly dueAt: number }[] = []
  #first = 0

  constructor(delayMs: number) {
    this.#delayMs = delayMs
  }

  get size(): number {
    return this.#waiting.length - this.#first
  }

  put(item: T, now: number): void {
    this.#waiting.push({ item, dueAt: now + this.#delayMs })
  }

  /** The next that is due, undefined when none is. */
  take(now: number): T | undefined {
    if (this.deadline() > now) return undefined
    const { item } = this.#waiting[this.#first++]!
    if (this.#first > 1024 && this.#first * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#first)
      this.#first = 0
    }
    return item
  }

  deadline(): number {
    return this.#waiting[this.#first]?.dueAt ?? Number.POSITIVE_INFINITY
  }
}
