/**
 * One `nft -i` that lives as long as it is needed: commands go in by lines, each a transaction, and are carried out in order. A
 * process for each command would cost milliseconds; and the tables it makes are its own, so the kernel removes them with it.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'

/** A listing ends with the brace that closes its table. */
const END = '\n}\n'

export class Nft {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #asked: ((listing: string) => void)[] = []
  readonly #failed: (why: string) => void
  #output = ''
  #errors = ''
  #isOver = false

  /** `failed` is called once, if nft complains or ends by itself; all its tables are gone then, or go. */
  constructor(failed: (why: string) => void) {
    this.#failed = failed
    const child = spawn('nft', ['-i'], { stdio: 'pipe', env: { ...process.env, LC_ALL: 'C' } })
    this.#child = child
    child.once('error', (error: NodeJS.ErrnoException) =>
      this.#fail(error.code === 'ENOENT' ? 'nft is not installed (package nftables)' : error.message),
    )
    child.once('close', (code) => this.#fail(this.#errors.trim() || `nft ended with ${code}`))
    child.stdin.on('error', () => {})
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(0, 1000)
      child.kill()
    })
    child.stdout.setEncoding('utf8').on('data', (text: string) => this.#onOutput(text))
  }

  run(commands: readonly string[]): void {
    if (!this.#isOver) this.#child.stdin.write(`${commands.join('\n')}\n`)
  }

  /** What a `list` or `get` command prints. Never settles once nft has failed. */
  ask(command: string): Promise<string> {
    return new Promise((resolve) => {
      this.#asked.push(resolve)
      this.run([command])
    })
  }

  async close(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    const closed = new Promise((resolve) => this.#child.once('close', resolve))
    this.#child.stdin.end()
    await closed
  }

  #onOutput(text: string): void {
    this.#output += text
    for (let end = this.#output.indexOf(END); end >= 0; end = this.#output.indexOf(END)) {
      const listing = this.#output.slice(0, end)
      this.#output = this.#output.slice(end + END.length)
      this.#asked.shift()?.(listing)
    }
  }

  #fail(why: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#failed(why)
  }
}
