/** Writes a history: each entry is in the file when `record` returns, so that a process that is killed loses none. */
import { closeSync, openSync, writeSync } from 'node:fs'
import type { Entry } from './history.ts'

/** An entry without its time. */
export type Happening = Entry extends infer E ? (E extends Entry ? Omit<E, 'at'> : never) : never

/** Milliseconds since the epoch by the monotonic clock, which clock jumps leave alone. */
export const trueTime = (): number => performance.timeOrigin + performance.now()

export class Recorder {
  readonly #file: number

  constructor(path: string) {
    this.#file = openSync(path, 'a')
  }

  record(happening: Happening): void {
    writeSync(this.#file, `${JSON.stringify({ at: Math.round(trueTime() * 1000) / 1000, ...happening })}\n`)
  }

  close(): void {
    closeSync(this.#file)
  }
}
