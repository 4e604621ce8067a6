/** A program as a newcomer runs it: its printed lines, and what is typed into it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')

export class Program {
  readonly #child: ChildProcess
  #said = ''
  #wake = () => {}

  /** `file` imports `straightway`, which is this checkout's. */
  constructor(file: string, args: readonly string[], settings: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, ['--conditions=straightway-source', file, ...args], {
      cwd: ROOT,
      env: { ...process.env, ...settings },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    for (const output of [this.#child.stdout!, this.#child.stderr!])
      output.setEncoding('utf8').on('data', (text: string) => {
        this.#said += text
        this.#wake()
      })
    this.#child.once('close', () => this.#wake())
  }

  /** Its output so far, stdout and stderr together. */
  get said(): string {
    return this.#said
  }

  /** Resolves with the match when the output matches. */
  async says(what: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = what.exec(this.#said)
      if (match !== null) return match
      if (this.#child.exitCode !== null) throw new Error(`It ended without ${what}: ${this.#said}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  type(text: string): void {
    this.#child.stdin!.write(text)
  }

  /** Closes its input. */
  hangUp(): void {
    this.#child.stdin!.end()
  }

  /** Waits for its end, after a signal if one is given, and returns the exit code. */
  async ends(signal?: NodeJS.Signals): Promise<number | null> {
    const closed = once(this.#child, 'close')
    if (signal !== undefined) this.#child.kill(signal)
    if (this.#child.exitCode === null && this.#child.signalCode === null) await closed
    return this.#child.exitCode
  }
}
