/** A pause that can be cut short, also one that is about to begin. */
export class Pause {
  #ended = false
  #end: (() => void) | undefined

  async wait(ms: number): Promise<void> {
    if (!this.#ended) await this.#sleep(ms)
    this.#ended = false
  }

  end(): void {
    this.#ended = true
    this.#end?.()
  }

  async #sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#end = resolve
    const timer = setTimeout(resolve, ms)
    await promise
    clearTimeout(timer)
  }
}
