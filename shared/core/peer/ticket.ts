/** The ticket of this peer, and when the next one is requested. */

/** The next ticket is requested this long before the present one expires, or at half the life of a short one. */
const RENEW_MS = 300_000
const NEVER = Number.POSITIVE_INFINITY
const encoder = new TextEncoder()

export class Ticket {
  #bytes: Uint8Array | undefined
  #expiresAt = Number.NEGATIVE_INFINITY
  /** Time at which the next one is requested; Infinity once it was. */
  #renewAt = NEVER

  /** The ticket as it is sent; undefined before the first one. */
  get bytes(): Uint8Array | undefined {
    return this.#bytes
  }

  /** Time at which the next one is requested; Infinity once it was. */
  get renewAt(): number {
    return this.#renewAt
  }

  /** False before the first ticket, and after the end of the last one. */
  isValid(now: number): boolean {
    return this.#expiresAt > now
  }

  set(ticket: string, expiresAt: number, now: number): void {
    const halfMs = Math.max(0, expiresAt - now) / 2
    this.#bytes = encoder.encode(ticket)
    this.#expiresAt = expiresAt
    this.#renewAt = expiresAt - Math.min(RENEW_MS, halfMs)
  }

  /** True once for each ticket, when it is time to request the next one. */
  takeRenewal(now: number): boolean {
    if (this.#renewAt > now) return false
    this.#renewAt = NEVER
    return true
  }
}
