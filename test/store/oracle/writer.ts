/** Changes records without a pause, and keeps what each of them was and when. */

/** What a record was: from when it may have been so, and when the index had it. */
export interface State {
  /** As a filter sees it; undefined if it was not to be found. */
  readonly record: object | undefined
  readonly begunAt: number
  indexedAt: number
}

/** The next state of a record, and how it gets there. */
export interface Change {
  readonly record: object | undefined
  /** Until the index has it. */
  readonly make: () => Promise<void>
}

export class Writer {
  readonly #ids: readonly string[]
  readonly #next: (id: string) => Promise<Change>
  readonly #states = new Map<string, State[]>()
  #writes = 0

  constructor(ids: readonly string[], next: (id: string) => Promise<Change>) {
    this.#ids = ids
    this.#next = next
  }

  async work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) await this.write()
  }

  async write(): Promise<void> {
    const id = this.#ids[this.#writes++ % this.#ids.length]!
    const { record, make } = await this.#next(id)
    const state: State = { record, begunAt: performance.now(), indexedAt: Number.POSITIVE_INFINITY }
    this.#states.set(id, [...(this.#states.get(id) ?? []), state])
    await make()
    state.indexedAt = performance.now()
  }

  /** What each record may have been to a search: as the index had it at first, and whatever it became until the end. */
  during(from: number, to: number): [id: string, states: readonly State[]][] {
    return [...this.#states].map(([id, states]) => {
      const first = states.findLastIndex(({ indexedAt }) => indexedAt <= from)
      return [id, states.slice(Math.max(0, first)).filter(({ begunAt }) => begunAt <= to)]
    })
  }
}
