import { ADDRESS_WORDS, isDiscardOnly, isIpv4 } from '../wire/address.ts'
import { type HashKey, keyedHash } from '../wire/keyed-hash.ts'

/** Half a megabyte. A million sources at once share a bucket sixteen to one, and are then limited together. */
const BUCKETS = 2 ** 16

/**
 * A token bucket for each source IP, IPv6 by /64 (what one customer is given) and each carried peer, or for each address
 * with its port, in constant memory:
 * which bucket is decided by a hash under a secret key, so nobody can choose addresses that empty the bucket of another.
 * Sources whose hashes meet share one: that errs on the side of silence, never of flooding.
 */
export class RateLimit {
  readonly #key: HashKey
  readonly #by: 'network' | 'address-and-port'
  readonly #intervalMs: number
  readonly #burstMs: number
  /** When each bucket will be full again (GCRA: a bucket is one number). */
  readonly #fullAt = new Float64Array(BUCKETS)

  /** At most `perSecond` over time, and `burst` at once. */
  constructor(
    key: HashKey,
    perSecond: number,
    burst: number,
    by: 'network' | 'address-and-port' = 'network',
  ) {
    this.#by = by
    this.#key = key
    this.#intervalMs = 1000 / perSecond
    this.#burstMs = (burst - 1) * this.#intervalMs
  }

  /** Takes a token; false where there is none. */
  take(words: Uint32Array, at: number, now: number): boolean {
    const bucket = keyedHash(words, at, this.#wordsOf(words, at), this.#key) % BUCKETS
    const fullAt = Math.max(this.#fullAt[bucket]!, now)
    if (fullAt - now > this.#burstMs) return false
    this.#fullAt[bucket] = fullAt + this.#intervalMs
    return true
  }

  #wordsOf(words: Uint32Array, at: number): number {
    if (this.#by === 'address-and-port') return ADDRESS_WORDS
    return isIpv4(words, at) || isDiscardOnly(words, at) ? 4 : 2
  }
}
