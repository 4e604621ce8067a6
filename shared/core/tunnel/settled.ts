import { Attempt } from './attempt.ts'
import type { Directed } from './directed.ts'
import { nextAt, RETRY_MS, type Situation } from './situation.ts'

export interface SettledOptions {
  /** The direction of the last attempt. */
  readonly directed: Directed
  /** Time at which the last attempt began. */
  readonly beganAt: number
  /** Time at which the next one is due on a relay. */
  readonly againAt: number
}

/** The time between two attempts: the last one has ended, and its path or the relay carries the data. */
export class Settled {
  readonly kind = 'settled'
  readonly directed: Directed
  readonly beganAt: number
  #againAt: number

  constructor({ directed, beganAt, againAt }: SettledOptions) {
    this.directed = directed
    this.beganAt = beganAt
    this.#againAt = againAt
  }

  /** A direct path died: the next attempt is due, unless one began just now. */
  pathDied(): void {
    this.#againAt = Math.min(this.#againAt, this.beganAt + RETRY_MS)
  }

  /** A HANDSHAKE that was given up as unreachable answers after all: the attempt goes on. */
  resumed(): Attempt {
    return new Attempt({ directed: this.directed, beganAt: this.beganAt })
  }

  /** Time at which the next attempt begins. */
  nextAt(situation: Situation): number {
    const relayedAt = situation.relayDraining ? this.beganAt + RETRY_MS : this.#againAt
    return nextAt(situation, this.beganAt, relayedAt)
  }

  deadline(situation: Situation): number {
    return this.nextAt(situation)
  }
}
