import { Queue } from './queue.ts'

/** A queue whose items become due a fixed time after they were added, and so leave in the order in which they came. */
export class DelayLine<T> {
  readonly #delayMs: number
  readonly #waiting = new Queue<{ readonly item: T; readonly dueAt: number }>()

  constructor(delayMs: number) {
    this.#delayMs = delayMs
  }

  get size(): number {
    return this.#waiting.size
  }

  put(item: T, now: number): void {
    this.#waiting.put({ item, dueAt: now + this.#delayMs })
  }

  /** Removes and returns the next item that is due; undefined if none is. */
  take(now: number): T | undefined {
    return this.deadline() <= now ? this.#waiting.take()!.item : undefined
  }

  deadline(): number {
    return this.#waiting.peek()?.dueAt ?? Number.POSITIVE_INFINITY
  }
}
