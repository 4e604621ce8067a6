/** A lock with one holder. The tunnels of a process share one, as `scatter` opens hundreds of mappings in the router. */
export class Turn {
  #holder: object | undefined

  /** True if the asker holds the lock now. */
  take(asker: object): boolean {
    this.#holder ??= asker
    return this.#holder === asker
  }

  give(holder: object): void {
    if (this.#holder === holder) this.#holder = undefined
  }
}
