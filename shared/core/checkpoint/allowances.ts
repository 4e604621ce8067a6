/**
 * Rate limits of a peer at this node. A session holds its allowances. The used part outlives the session, so that signing in
 * again does not renew them. Each allowance is a bucket in one number: the time when it will be full again (GCRA).
 */
import type { PeerId } from '../../ids.ts'
import { LIMITS } from '../../limits.ts'
import type { PeerSession } from './peer-session.ts'

interface Bucket {
  readonly burst: number
  /** Time after which one more is allowed. */
  readonly everyMs: number
}

const BUCKETS = {
  /** Requests that cost other peers or the tables something. */
  requests: { burst: LIMITS.requestsBurst, everyMs: 1000 / LIMITS.requestsPerSecond },
  /** Writes of the peer's status to the directory. */
  writes: { burst: 3, everyMs: 1000 },
  /** Sign-ins reported to the directory. A peer in a bad network loses its session now and then. */
  joins: { burst: 5, everyMs: 2000 },
  /** Tickets whose signature is checked; a peer needs one a day. */
  tickets: { burst: 8, everyMs: 10_000 },
} as const satisfies Record<string, Bucket>

export type Allowance = keyof typeof BUCKETS
/** The time when each allowance is full again. */
export type Allowances = Readonly<Record<Allowance, number>>

/** The allowances of a peer that has used none lately. Sessions share it, because most are idle. */
export const FULL: Allowances = Object.freeze({ requests: 0, writes: 0, joins: 0, tickets: 0 })

/** Takes `cost` from an allowance; false, without taking anything, if less is left. */
export function take(
  of: Pick<PeerSession, 'allowances'>,
  what: Allowance,
  cost: number,
  now: number,
): boolean {
  const { burst, everyMs } = BUCKETS[what]
  const fullAt = Math.max(of.allowances[what], now) + cost * everyMs
  if (fullAt - now > burst * everyMs) return false
  of.allowances = { ...of.allowances, [what]: fullAt }
  return true
}

/** Takes `cost` from the allowance for requests. */
export const takeAllowance = (from: PeerSession, cost: number, now: number): boolean =>
  take(from, 'requests', cost, now)

/** Frees the memory of allowances that are full again. */
export function forgetFull(of: PeerSession, now: number): void {
  if (of.allowances !== FULL && isFull(of.allowances, now)) of.allowances = FULL
}

/** Remembers the allowances of peers that have left until they are full again. */
export class TakenAllowances {
  /** Allowances by peer, in the order in which the peers left. */
  readonly #gone = new Map<PeerId, Allowances>()

  get size(): number {
    return this.#gone.size
  }

  keep({ peer, allowances }: PeerSession, now: number): void {
    for (const [oldest, taken] of this.#gone) {
      if (!isFull(taken, now)) break
      this.#gone.delete(oldest)
    }
    if (isFull(allowances, now)) return
    this.#gone.delete(peer)
    this.#gone.set(peer, allowances)
  }

  /** Gives a new session what is left of its peer's allowances. */
  restore(to: PeerSession): void {
    const taken = this.#gone.get(to.peer)
    if (taken !== undefined) to.allowances = taken
    this.#gone.delete(to.peer)
  }
}

const isFull = (taken: Allowances, now: number): boolean =>
  Object.values(taken).every((fullAt) => fullAt <= now)
