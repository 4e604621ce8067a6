/**
 * What a session may ask of its node. A node grants REQUESTS requests (LIMITS) and refuses the rest; here they wait instead,
 * so that the application may ask for as much as it likes at one time. A little less than the node's allowance is used, as
 * the node counts what arrives, and repeats arrive together.
 */
import { LIMITS } from '../../limits.ts'

/** What a node charges, in requests. */
export const COST = { message: 1, offer: 2, find: 5 } as const

const SHARE = 0.9
const PER_MS = (SHARE * LIMITS.requestsPerSecond) / 1000
const BURST = SHARE * LIMITS.requestsBurst

export class Budget {
  #left = BURST
  #at = 0

  /** A new session has all of it. */
  renew(now: number): void {
    this.#left = BURST
    this.#at = now
  }

  /** False if it has to wait until `availableAt`. */
  take(cost: number, now: number): boolean {
    this.#refill(now)
    if (this.#left < cost) return false
    this.#left -= cost
    return true
  }

  /** The node refused a request: it counts otherwise than we do. */
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
