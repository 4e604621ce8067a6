import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

/** With a process that reads and prints lines of JSON. */
export class Dialogue {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(child: ChildProcess) {
    this.#child = child
    // It may have ended: whoever reads its lines is told.
    child.stdin?.on('error', () => {})
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  }

  say(value: object): void {
    this.#child.stdin!.write(`${JSON.stringify(value)}\n`)
  }

  /** The next line; undefined where the process has ended. */
  async next<T>(): Promise<T | undefined> {
    const { done, value } = await this.#lines.next()
    return done ? undefined : (JSON.parse(value) as T)
  }

  stop(): void {
    this.#child.kill()
  }
}
