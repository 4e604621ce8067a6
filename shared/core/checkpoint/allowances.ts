/**
 * What a peer may still ask of this node. A session has the allowances; what was taken of them outlives it, so that who signs in
 * anew gets no more than who stays. Each is a bucket in one number, the time when it will be full again (GCRA).
 */
import type { PeerId } from '../../ids.ts'
import { LIMITS } from '../../limits.ts'
import type { PeerSession } from './peer-session.ts'

interface Bucket {
  readonly burst: number
  /** One more is allowed after this. */
  readonly everyMs: number
}

const BUCKETS = {
  /** Requests that cost others something. */
  requests: { burst: LIMITS.requestsBurst, everyMs: 1000 / LIMITS.requestsPerSecond },
  /** Writes of its status to the directory. */
  writes: { burst: 3, everyMs: 1000 },
  /** Sign-ins that the directory is told of. A peer in a bad network loses its session now and then. */
  joins: { burst: 5, everyMs: 2000 },
  /** Tickets whose signature is checked: one a day is needed. */
  tickets: { burst: 8, everyMs: 10_000 },
} as const satisfies Record<string, Bucket>

export type Allowance = keyof typeof BUCKETS
/** When each is full again. */
export type Allowances = Record<Allowance, number>

export const fullAllowances = (): Allowances => ({ requests: 0, writes: 0, joins: 0, tickets: 0 })

/** Takes so much of an allowance; false where there is not so much left. */
export function take(
  of: Pick<PeerSession, 'allowances'>,
  what: Allowance,
  cost: number,
  now: number,
): boolean {
  const { burst, everyMs } = BUCKETS[what]
  const fullAt = Math.max(of.allowances[what], now) + cost * everyMs
  if (fullAt - now > burst * everyMs) return false
  of.allowances[what] = fullAt
  return true
}

/** Takes `cost` of its requests. */
export const takeAllowance = (from: PeerSession, cost: number, now: number): boolean =>
  take(from, 'requests', cost, now)

/** What peers that have gone had taken, until their allowances are full again. */
export class TakenAllowances {
  /** In the order in which they went. */
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

  /** The new session of a peer has what is left. */
  restore(to: PeerSession): void {
    const taken = this.#gone.get(to.peer)
    if (taken !== undefined) to.allowances = taken
    this.#gone.delete(to.peer)
  }
}

const isFull = (taken: Allowances, now: number): boolean =>
  Object.values(taken).every((fullAt) => fullAt <= now)
