/**
 * When a tunnel goes to the HANDSHAKE (again), and when the CHECKPOINT is asked to lead both sides there.
 *
 *   without any path          at once, then every RETRY_MS
 *   a direct path died        at once, as the relay carries the data meanwhile
 *   the relay is going        at once
 *   relayed                   every minute at first, rarer the more often it failed (`patience.ts`). Both sides count from the
 *                             same OUTCOME, so they meet without being led
 *   a router gave a port      at once, where that came after the attempt
 *   direct, but silent        at once, where no relay stands by: it will be needed if the path is dead
 *   direct, but lossy         every LOSSY_MS while there is no relay to compare with
 *   direct                    never
 *
 * Nothing else is tried within RETRY_MS of the last attempt.
 */
import type { Paths } from '../../paths.ts'
import { Patience } from './patience.ts'

/** An attempt that has brought no path by then is given up for another. */
const RETRY_MS = 10_000
/** Without any path: the other side may be somebody else by now, who knows nothing of the tunnel and says so. */
const URGENT_MS = 2900
/** One of which nothing is heard any more. */
const LONGEST_ATTEMPT_MS = 60_000
/** A relay that turned out no better was given up again. */
const LOSSY_MS = 300_000
const never = Number.POSITIVE_INFINITY

/** How the tunnel stands. */
export interface Situation {
  readonly path: 'direct' | 'relayed' | undefined
  /** A direct path died, and none has replaced it. */
  readonly directDied: boolean
  readonly relayDraining: boolean
  /** Direct, unanswered for some time, and there is no relay. */
  readonly silent: boolean
  /** Direct, much is lost, and there is no relay. */
  readonly lossy: boolean
}

export class Attempts {
  readonly #paths: Paths
  readonly #patience: Patience
  #going = false
  #lastAt = Number.NEGATIVE_INFINITY
  #againAt = never
  #askedAt = Number.NEGATIVE_INFINITY
  #deathSeen = false

  /** `shared`: 32 bytes, the same on both sides. */
  constructor(paths: Paths, shared: Uint8Array) {
    this.#paths = paths
    this.#patience = new Patience(shared)
  }

  get going(): boolean {
    return this.#going
  }

  begin(now: number): void {
    this.#going = true
    this.#lastAt = now
    this.#againAt = never
  }

  /** `found`: whether there is a direct path, by the HANDSHAKE; undefined where that was not heard. `byChance`: see Patience. */
  end(now: number, found: boolean | undefined, byChance: boolean): void {
    this.#going = false
    if (found === true) this.#patience.renew()
    if (found === false) this.#patience.failed(byChance)
    this.#againAt = this.#paths === 'relay-only' ? never : now + this.#patience.waitMs
  }

  /** One of the two sides is somewhere else, or its NAT is another. */
  renew(): void {
    this.#patience.renew()
  }

  /** One that began shortly ago goes on. */
  isFresh(now: number): boolean {
    return this.#going && now - this.#lastAt < RETRY_MS
  }

  /** True once for each direct path that died: time for an attempt. */
  noteDeath({ directDied }: Situation): boolean {
    const died = directDied && !this.#deathSeen
    this.#deathSeen = directDied
    if (died) this.#againAt = Math.min(this.#againAt, this.#lastAt + RETRY_MS)
    return died
  }

  nextAt({ path, relayDraining, silent, lossy }: Situation): number {
    if (silent) return this.#lastAt + RETRY_MS
    if (path === 'direct') return lossy ? this.#lastAt + LOSSY_MS : never
    if (path === undefined) return this.#lastAt + RETRY_MS
    if (this.#going) return this.#lastAt + LONGEST_ATTEMPT_MS
    return relayDraining ? this.#lastAt + RETRY_MS : this.#againAt
  }

  /** Who was asked in vain may be asked again. */
  hurry(): void {
    this.#askedAt = Number.NEGATIVE_INFINITY
  }

  /** True if the CHECKPOINT may be asked now; it counts as asked then. `isUrgent`: there is no path. */
  ask(now: number, isUrgent: boolean): boolean {
    if (now - this.#askedAt < (isUrgent ? URGENT_MS : RETRY_MS)) return false
    this.#askedAt = now
    return true
  }
}
