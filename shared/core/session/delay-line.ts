import { Queue } from './queue.ts'

/** Things that are due a fixed time after they were put in: so they come out in the order in which they went in. */
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

  /** The next that is due, undefined when none is. */
  take(now: number): T | undefined {
    return this.deadline() <= now ? this.#waiting.take()!.item : undefined
  }

  deadline(): number {
    return this.#waiting.peek()?.dueAt ?? Number.POSITIVE_INFINITY
  }
}
