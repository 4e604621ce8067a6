import { StraightwayError } from '../errors.ts'

interface Waiting<T> {
  resolve(value: T): void
  reject(error: unknown): void
}

/** Requests that wait for an answer, by number. Each is answered, aborted by its signal, or rejected by `close`. */
export class Pending<T> {
  readonly #waiting = new Map<number, Waiting<T>>()
  #next = 1
  #closed = false

  /** Registers a request. Returns its number and a promise for the answer. `stopped` is called if the signal aborts first. */
  open(
    signal?: AbortSignal,
    stopped: (id: number) => void = () => {},
  ): { readonly id: number; readonly answer: Promise<T> } {
    const id = this.#next++
    const answer = new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
    })
    if (this.#closed) this.reject(id, closed())
    return { id, answer: signal === undefined ? answer : this.#stoppable(id, answer, signal, stopped) }
  }

  resolve(id: number, value: T): void {
    this.#take(id)?.resolve(value)
  }

  reject(id: number, error: unknown): void {
    this.#take(id)?.reject(error)
  }

  /** Rejects all open requests, and all later ones, with `closed`. */
  close(): void {
    this.#closed = true
    for (const id of [...this.#waiting.keys()]) this.reject(id, closed())
  }

  /**
   * Makes an answer abortable. The caller sends the request in the same turn, so an earlier abort is reported in the
   * next one.
   */
  #stoppable(id: number, answer: Promise<T>, signal: AbortSignal, stopped: (id: number) => void): Promise<T> {
    const stop = () => {
      if (!this.#waiting.has(id)) return
      this.reject(id, stoppedBy(signal))
      stopped(id)
    }
    if (signal.aborted) queueMicrotask(stop)
    else signal.addEventListener('abort', stop)
    return answer.finally(() => signal.removeEventListener('abort', stop))
  }

  #take(id: number): Waiting<T> | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    return waiting
  }
}

/** Rejects with `closed` as soon as the signal aborts. The work behind `promise` continues and its outcome is ignored. */
export async function stoppable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  let stop!: () => void
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(stoppedBy(signal))
  })
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop)
  try {
    return await Promise.race([promise, stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

const closed = (): StraightwayError => new StraightwayError('closed', 'The peer was closed.')
const stoppedBy = (signal: AbortSignal): StraightwayError =>
  new StraightwayError('closed', 'It was stopped by its signal.', { cause: signal.reason })
