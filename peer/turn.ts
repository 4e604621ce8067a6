/** Something that one may do at a time: whoever has the turn keeps it until it gives it back. */
export class Turn {
  #holder: object | undefined

  /** True where it is the asker's turn now. */
  take(asker: object): boolean {
    this.#holder ??= asker
    return this.#holder === asker
  }

  give(holder: object): void {
    if (this.#holder === holder) this.#holder = undefined
  }
}

/** Of all tunnels of this process: `scatter` opens hundreds of mappings in the router. */
export const SCATTER_TURN = new Turn()
