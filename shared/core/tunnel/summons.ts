import type { Choice } from './choice.ts'
import type { Outbox } from './outbox.ts'
import { RETRY_MS } from './situation.ts'

/**
 * Interval at which the CHECKPOINT is asked while there is no path. The other side may have restarted: then it does not
 * know the tunnel, and answers so.
 */
const URGENT_MS = 2900

/** Asks the CHECKPOINT to direct both sides to a HANDSHAKE, at most every RETRY_MS. */
export class Summons {
  readonly #choice: Pick<Choice, 'active'>
  readonly #outbox: Outbox
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(choice: Pick<Choice, 'active'>, outbox: Outbox) {
    this.#choice = choice
    this.#outbox = outbox
  }

  /** Lets the CHECKPOINT be asked again immediately. */
  hurry(): void {
    this.#askedAt = Number.NEGATIVE_INFINITY
  }

  ask(now: number): void {
    if (now - this.#askedAt < (this.#choice.active === undefined ? URGENT_MS : RETRY_MS)) return
    this.#askedAt = now
    this.#outbox.put({ kind: 'rejoin' })
  }
}
