/** The event queue: a binary heap ordered by time. Events of the same time run in the order in which they were planned. */
interface Planned {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

export class Queue {
  readonly #heap: Planned[] = []
  #planned = 0

  get size(): number {
    return this.#heap.length
  }

  /** Time of the next event; Infinity if there is none. */
  get next(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY
  }

  plan(at: number, run: () => void): void {
    const event = { at, order: this.#planned++, run }
    this.#heap.push(event)
    this.#rise(event)
  }

  take(): (() => void) | undefined {
    const first = this.#heap[0]
    const last = this.#heap.pop()
    if (first !== undefined && last !== undefined && first !== last) this.#sink(last)
    return first?.run
  }

  #rise(event: Planned): void {
    let i = this.#heap.length - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!before(event, this.#heap[parent]!)) break
      this.#heap[i] = this.#heap[parent]!
      i = parent
    }
    this.#heap[i] = event
  }

  #sink(event: Planned): void {
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= this.#heap.length) break
      if (child + 1 < this.#heap.length && before(this.#heap[child + 1]!, this.#heap[child]!)) child++
      if (!before(this.#heap[child]!, event)) break
      this.#heap[i] = this.#heap[child]!
      i = child
    }
    this.#heap[i] = event
  }
}

const before = (a: Planned, b: Planned): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)
