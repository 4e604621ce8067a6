import type { Path } from './path.ts'

/** More than are on their way at once; a probe that is older counts as lost. */
const OUTSTANDING = 256

export interface SentProbe {
  readonly id: number
  readonly path: Path
  readonly sentAt: number
  readonly bytes: number
}

/** Probes that may still be acknowledged. */
export class Probes {
  readonly #sent = new Array<SentProbe | undefined>(OUTSTANDING)
  #next = 1

  issue(path: Path, bytes: number, now: number): number {
    const id = this.#next++ >>> 0
    this.#sent[id % OUTSTANDING] = { id, path, sentAt: now, bytes }
    return id
  }

  /** Each once. */
  settle(id: number): SentProbe | undefined {
    const probe = this.#sent[id % OUTSTANDING]
    if (probe?.id !== id) return undefined
    this.#sent[id % OUTSTANDING] = undefined
    return probe
  }
}
