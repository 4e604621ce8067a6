/** A pause that can be ended early, even before it begins. */
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
