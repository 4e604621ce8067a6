import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

/** A dialogue with a process that reads and prints lines of JSON. */
export class Dialogue {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(child: ChildProcess) {
    this.#child = child
    // The process may have ended; readers of its lines notice that.
    child.stdin?.on('error', () => {})
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  }

  say(value: object): void {
    this.#child.stdin!.write(`${JSON.stringify(value)}\n`)
  }

  /** Returns the next line; undefined if the process has ended. */
  async next<T>(): Promise<T | undefined> {
    const { done, value } = await this.#lines.next()
    return done ? undefined : (JSON.parse(value) as T)
  }

  stop(): void {
    this.#child.kill()
  }
}
