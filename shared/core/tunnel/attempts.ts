/**
 * When a tunnel goes to the HANDSHAKE (again), and when the CHECKPOINT is asked to direct both sides there.
 *
 *   without any path          immediately, then every RETRY_MS
 *   a direct path died        immediately; the relay carries the data meanwhile
 *   the relay is draining     immediately
 *   relayed                   every minute at first, less often with each failure (`patience.ts`). Both sides count from
 *                             the same OUTCOME, so they meet without being directed
 *   a router mapped a port    immediately, if that came after the attempt
 *   direct, but silent        immediately, if there is no relay: it is needed if the path is dead
 *   direct, but lossy         every LOSSY_MS, while there is no relay to compare with
 *   direct                    never
 *
 * Attempts are at least RETRY_MS apart, unless a port was mapped, the network changed, or the CHECKPOINT directs both
 * sides to a HANDSHAKE.
 */
import type { Paths } from '../../paths.ts'
import { Patience } from './patience.ts'

/** An attempt that has brought no path after this time is replaced by another. */
const RETRY_MS = 10_000
/**
 * Interval at which the CHECKPOINT is asked while there is no path. The other side may have restarted: then it does not
 * know the tunnel, and answers so.
 */
const URGENT_MS = 2900
/** An attempt that reports nothing for this long is abandoned. */
const LONGEST_ATTEMPT_MS = 60_000
/** Interval at which a relay is compared with a lossy direct path; a relay that is no better is released. */
const LOSSY_MS = 300_000
const never = Number.POSITIVE_INFINITY

/** The state of the tunnel that decides about attempts. */
export interface Situation {
  readonly path: 'direct' | 'relayed' | undefined
  /** A direct path died and no other one has replaced it. */
  readonly directDied: boolean
  readonly relayDraining: boolean
  /** The path in use is direct and has not answered for some time, and there is no relay. */
  readonly silent: boolean
  /** The path in use is direct and loses much, and there is no relay. */
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

  /**
   * Ends an attempt. `found`: the HANDSHAKE reports a direct path; undefined if it could not be reached. `byChance`:
   * see Patience.
   */
  end(now: number, found: boolean | undefined, byChance: boolean): void {
    this.#going = false
    if (found === true) this.#patience.renew()
    if (found === false) this.#patience.failed(byChance)
    this.#againAt = this.#paths === 'relay-only' ? never : now + this.#patience.waitMs
  }

  /** One side has another network or another NAT: begins at the first pace again. */
  renew(): void {
    this.#patience.renew()
  }

  /** True if an attempt began less than RETRY_MS ago. */
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

  /** Lets the CHECKPOINT be asked again immediately. */
  hurry(): void {
    this.#askedAt = Number.NEGATIVE_INFINITY
  }

  /** True if the CHECKPOINT may be asked now, which then counts as done. `isUrgent`: there is no path. */
  ask(now: number, isUrgent: boolean): boolean {
    if (now - this.#askedAt < (isUrgent ? URGENT_MS : RETRY_MS)) return false
    this.#askedAt = now
    return true
  }
}
