import { StraightwayError } from '../shared/errors.ts'

interface Waiting<T> {
  resolve(value: T): void
  reject(error: unknown): void
}

/** Questions that wait for their answers, by number. */
export class Pending<T> {
  readonly #waiting = new Map<number, Waiting<T>>()
  #next = 1

  /** The number under which the answer will come, and the answer. */
  open(): { readonly id: number; readonly answer: Promise<T> } {
    const id = this.#next++
    const answer = new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
    })
    return { id, answer }
  }

  resolve(id: number, value: T): void {
    this.#take(id)?.resolve(value)
  }

  reject(id: number, error: unknown): void {
    this.#take(id)?.reject(error)
  }

  /** Nobody will answer any more. */
  close(): void {
    const closed = new StraightwayError('closed', 'The peer was closed.')
    for (const id of [...this.#waiting.keys()]) this.reject(id, closed)
  }

  #take(id: number): Waiting<T> | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    return waiting
  }
}
