/** Changes records continuously, and records the states of each with their times. */

/** A state of a record, from the time when it may have begun to the time when the index had it. */
export interface State {
  /** The record as a filter sees it; undefined if it could not be found. */
  readonly record: object | undefined
  readonly begunAt: number
  indexedAt: number
}

/** The next state of a record, and the action that leads to it. */
export interface Change {
  readonly record: object | undefined
  /** Makes the change. Resolves when the index has it. */
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

  /**
   * Returns the states in which a search may have seen each record: the one indexed at the start, and all later ones until
   * the end.
   */
  during(from: number, to: number): [id: string, states: readonly State[]][] {
    return [...this.#states].map(([id, states]) => {
      const first = states.findLastIndex(({ indexedAt }) => indexedAt <= from)
      return [id, states.slice(Math.max(0, first)).filter(({ begunAt }) => begunAt <= to)]
    })
  }
}
