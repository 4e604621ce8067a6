/** A program that a newcomer starts: what it prints, line by line, and what is typed into it. */
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

  /** What it has printed so far, on both outputs. */
  get said(): string {
    return this.#said
  }

  /** Resolves with the match when it has printed that. */
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

  /** No more is typed. */
  hangUp(): void {
    this.#child.stdin!.end()
  }

  /** Its exit code, after the signal if there is one. */
  async ends(signal?: NodeJS.Signals): Promise<number | null> {
    const closed = once(this.#child, 'close')
    if (signal !== undefined) this.#child.kill(signal)
    if (this.#child.exitCode === null && this.#child.signalCode === null) await closed
    return this.#child.exitCode
  }
}
