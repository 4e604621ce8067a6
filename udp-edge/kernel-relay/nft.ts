/**
 * A long-lived `nft -i` process. Commands are written to it as lines. Each line is a transaction, and they are executed in
 * order. One process per command would cost milliseconds each. The process also owns the tables that it creates, so the
 * kernel removes them when it ends.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'

/** A listing ends with the brace that closes its table. */
const END = '\n}\n'
/** Timeout of a listing. Listing all legs of a full relay takes a fraction of a second. */
const ANSWER_MS = 10_000
/** Timeout for nft to end by itself, and again for its end after it was killed. */
const END_MS = 2000

export class Nft {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #asked: ((listing: string) => void)[] = []
  readonly #failed: (why: string) => void
  readonly #answerMs: number
  readonly #ended: Promise<void>
  /** Timeout of the oldest unanswered `ask`. */
  #patience: NodeJS.Timeout | undefined
  #output = ''
  #errors = ''
  #isOver = false

  /** `failed` is called at most once: if nft prints an error, ends by itself or does not answer. Its tables then disappear. */
  constructor(failed: (why: string) => void, answerMs = ANSWER_MS) {
    this.#failed = failed
    this.#answerMs = answerMs
    const child = spawn('nft', ['-i'], { stdio: 'pipe', env: { ...process.env, LC_ALL: 'C' } })
    this.#child = child
    child.once('error', (error: NodeJS.ErrnoException) =>
      this.#fail(error.code === 'ENOENT' ? 'nft is not installed (package nftables)' : error.message),
    )
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#ended = promise
    child.once('close', (code) => {
      resolve()
      this.#fail(this.#errors || `nft ended with ${code}`)
    })
    child.stdin.on('error', () => {})
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.#giveUp(text))
    child.stdout.setEncoding('utf8').on('data', (text: string) => this.#onOutput(text))
  }

  run(commands: readonly string[]): void {
    if (!this.#isOver) this.#child.stdin.write(`${commands.join('\n')}\n`)
  }

  /** Output of a `list` or `get` command. The promise never settles once nft has failed or was closed. */
  ask(command: string): Promise<string> {
    return new Promise((resolve) => {
      this.#asked.push(resolve)
      this.#patience ??= this.#beginPatience()
      this.run([command])
    })
  }

  /** Ends nft, and kills it after END_MS. Resolves when it has ended, or END_MS after it was killed. */
  async close(): Promise<void> {
    if (this.#isOver) return
    this.#over()
    this.#child.stdin.end()
    if (await this.#endsInTime()) return
    this.#child.kill('SIGKILL')
    await this.#endsInTime()
  }

  #onOutput(text: string): void {
    this.#output += text
    for (let end = this.#output.indexOf(END); end >= 0; end = this.#output.indexOf(END)) {
      const listing = this.#output.slice(0, end)
      this.#output = this.#output.slice(end + END.length)
      clearTimeout(this.#patience)
      this.#asked.shift()?.(listing)
      this.#patience = this.#asked.length > 0 ? this.#beginPatience() : undefined
    }
  }

  #beginPatience(): NodeJS.Timeout | undefined {
    if (this.#isOver) return undefined
    const why = `nft has not answered for ${this.#answerMs} ms`
    return setTimeout(() => this.#giveUp(why), this.#answerMs).unref()
  }

  #giveUp(why: string): void {
    this.#errors = (this.#errors + why).trim().slice(0, 1000)
    this.#child.kill('SIGKILL')
    void this.#endsInTime().then(() => this.#fail(this.#errors))
  }

  #endsInTime(): Promise<boolean> {
    const inTime = this.#ended.then(() => true)
    return Promise.race([inTime, wait(END_MS, false, { ref: false })])
  }

  #fail(why: string): void {
    if (this.#isOver) return
    this.#over()
    this.#failed(why)
  }

  #over(): void {
    this.#isOver = true
    this.#asked.length = 0
    clearTimeout(this.#patience)
  }
}
