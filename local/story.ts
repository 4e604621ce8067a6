/** Prints the demo: one line per scene, which says what happens and then how it went. Silent if a program reads the output. */
const GREEN = '\x1b[32m'
const DIM = '\x1b[2m'
const PLAIN = '\x1b[0m'

export class Story {
  readonly #out: NodeJS.WriteStream | undefined
  readonly #startedAt = performance.now()

  constructor(out: NodeJS.WriteStream | undefined) {
    this.#out = out
  }

  title(text: string): void {
    this.#out?.write(`\n${text}\n\n`)
  }

  /** Runs one scene and prints its outcome or its error. */
  async scene<T>(what: string, play: () => Promise<T>, told: (outcome: T) => string): Promise<T> {
    if (this.#out?.isTTY) this.#out.write(`  ${DIM}..${PLAIN} ${what}`)
    try {
      const outcome = await play()
      this.#line(`${this.#colour(GREEN)}ok${this.#colour(PLAIN)}`, what, told(outcome))
      return outcome
    } catch (error) {
      this.#line('!!', what, (error as Error).message)
      throw error
    }
  }

  #line(mark: string, what: string, how: string): void {
    const at = ((performance.now() - this.#startedAt) / 1000).toFixed(1).padStart(5)
    const erase = this.#out?.isTTY ? '\r\x1b[2K' : ''
    this.#out?.write(
      `${erase}  ${mark} ${this.#colour(DIM)}${at} s${this.#colour(PLAIN)}  ${what.padEnd(44)} ${how}\n`,
    )
  }

  #colour(code: string): string {
    return this.#out?.isTTY ? code : ''
  }
}
