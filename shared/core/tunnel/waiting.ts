import type { Batch } from '../../wire/batch.ts'
import type { TunnelCounters } from './events.ts'
import type { Sender } from './sender.ts'

/** Datagrams queued while there is no path; beyond that the oldest is dropped. */
const MAX_WAITING = 64

/** The application's datagrams that wait for a path. */
export class Waiting {
  readonly #counters: Pick<TunnelCounters, 'dropped'>
  #datagrams: Uint8Array[] = []

  constructor(counters: Pick<TunnelCounters, 'dropped'>) {
    this.#counters = counters
  }

  get size(): number {
    return this.#datagrams.length
  }

  /** Keeps a copy. */
  keep(datagram: Uint8Array): void {
    this.#datagrams.push(datagram.slice())
    if (this.#datagrams.length <= MAX_WAITING) return
    this.#datagrams.shift()
    this.#counters.dropped++
  }

  /** Sends all of them if there is a path now. */
  sendOn(sender: Sender, out: Batch, now: number): void {
    while (this.#datagrams.length > 0 && sender.send(this.#datagrams[0]!, out, now)) this.#datagrams.shift()
  }
}
