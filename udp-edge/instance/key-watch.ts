/** Reads the keys periodically, and passes them to the node when they have changed. A failed read is logged. */
import type { NodeKeys } from '../config.ts'

export interface KeyWatchOptions {
  /** The keys that the node was started with. */
  readonly known: NodeKeys
  readonly read: () => Promise<NodeKeys>
  readonly tell: (keys: NodeKeys) => void
  readonly everyMs: number
  readonly log: (what: string, error: unknown) => void
}

export class KeyWatch {
  readonly #options: KeyWatchOptions
  readonly #timer: NodeJS.Timeout
  #known: string

  constructor(options: KeyWatchOptions) {
    this.#options = options
    this.#known = textOf(options.known)
    this.#timer = setInterval(() => void this.look(), options.everyMs)
  }

  async look(): Promise<void> {
    const { read, tell, log } = this.#options
    try {
      const keys = await read()
      const text = textOf(keys)
      if (text === this.#known) return
      tell(keys)
      this.#known = text
    } catch (error) {
      log('the keys could not be read again', error)
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

/** A text that changes with the keys. The order of fleet keys matters, that of ticket keys does not. */
function textOf({ ticketKeys, fleetKeys }: NodeKeys): string {
  return JSON.stringify([Object.entries(ticketKeys).sort(), fleetKeys])
}
