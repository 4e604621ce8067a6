/**
 * Limits the requests of a session to what its node allows. A node grants `LIMITS.requestsPerSecond` requests a second,
 * in bursts of `LIMITS.requestsBurst`, and refuses the rest. Excess requests are queued here instead, so that the
 * application may ask for any number at the same time. A little less than the node's allowance is used, because the
 * node counts what arrives, and retransmissions arrive together.
 */
import { LIMITS } from '../../limits.ts'

/** Cost of each kind of request at a node. */
export const COST = { message: 1, prekey: 1, offer: 2, find: 5 } as const

const SHARE = 0.9
const PER_MS = (SHARE * LIMITS.requestsPerSecond) / 1000
const BURST = SHARE * LIMITS.requestsBurst

export class Budget {
  #left = BURST
  #at = 0

  /** A new session has the whole allowance. */
  renew(now: number): void {
    this.#left = BURST
    this.#at = now
  }

  /** False if the request has to wait until `availableAt`. */
  take(cost: number, now: number): boolean {
    this.#refill(now)
    if (this.#left < cost) return false
    this.#left -= cost
    return true
  }

  /** The node refused a request, so it counts differently: nothing is left. */
  exhaust(now: number): void {
    this.#left = 0
    this.#at = now
  }

  availableAt(cost: number): number {
    return this.#at + Math.ceil(Math.max(0, cost - this.#left) / PER_MS)
  }

  #refill(now: number): void {
    this.#left = Math.min(BURST, this.#left + Math.max(0, now - this.#at) * PER_MS)
    this.#at = now
  }
}
