import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A process that prints lines of JSON: some unprompted, and one for each line that it reads. */
export class Talker {
  readonly child: ChildProcess
  readonly #lines: Record<string, unknown>[] = []
  #waiting: (() => void) | undefined
  #errors = ''

  constructor(child: ChildProcess) {
    this.child = child
    child.stderr!.on('data', (text) => {
      this.#errors += text
    })
    child.once('exit', () => this.#waiting?.())
    createInterface({ input: child.stdout! }).on('line', (line) => {
      this.#lines.push(JSON.parse(line))
      this.#waiting?.()
    })
  }

  /** Returns the first unread line that has the key. If the process has ended, rejects with what it printed. */
  async line<T>(key: string): Promise<T> {
    for (;;) {
      const at = this.#lines.findIndex((line) => key in line)
      if (at >= 0) return this.#lines.splice(at, 1)[0] as T
      if (this.child.exitCode !== null) throw new Error(`ended with ${this.child.exitCode}: ${this.#errors}`)
      await new Promise<void>((resolve) => {
        this.#waiting = resolve
      })
    }
  }

  async ask<T>(key: string, command: unknown = {}): Promise<T> {
    this.child.stdin!.write(`${JSON.stringify(command)}\n`)
    return await this.line<T>(key)
  }

  /** Closes the standard input and waits for the process to exit. */
  async end(): Promise<void> {
    this.child.stdin!.end()
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit')
  }

  async kill(): Promise<void> {
    process.kill(-this.child.pid!, 'SIGKILL')
    await once(this.child, 'exit')
  }
}
