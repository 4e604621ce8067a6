import { ADDRESS_WORDS, isDiscardOnly, isIpv4 } from '../wire/address.ts'
import { type HashKey, keyedHash } from '../wire/keyed-hash.ts'

/** Half a megabyte. A million sources at once share a bucket sixteen to one, and are then limited together. */
const BUCKETS = 2 ** 16
/** A public key of 32 bytes. */
const KEY_WORDS = 8
const SITE_MASK = 0xffff_0000

/**
 * Who has a bucket of its own: an IPv4 address, an IPv6 /64 (what one customer is given) and each carried peer (`network`);
 * the same with an IPv6 /48 (what one site is given: `site`); an address with its port; a key of 32 bytes.
 */
export type LimitedBy = 'network' | 'site' | 'address-and-port' | 'key'

const site = new Uint32Array(2)

/**
 * A token bucket for each source in constant memory: which bucket is decided by a hash under a secret key, so nobody can
 * choose addresses that empty the bucket of another. Sources whose hashes meet share one: that errs on the side of silence,
 * never of flooding.
 */
export class RateLimit {
  readonly #key: HashKey
  readonly #by: LimitedBy
  readonly #intervalMs: number
  readonly #burstMs: number
  /** When each bucket will be full again (GCRA: a bucket is one number). */
  readonly #fullAt = new Float64Array(BUCKETS)

  /** At most `perSecond` over time, and `burst` at once. */
  constructor(key: HashKey, perSecond: number, burst: number, by: LimitedBy = 'network') {
    this.#key = key
    this.#by = by
    this.#intervalMs = 1000 / perSecond
    this.#burstMs = (burst - 1) * this.#intervalMs
  }

  /** Takes a token; false if there is none. */
  take(words: Uint32Array, at: number, now: number): boolean {
    const bucket = this.#hash(words, at) % BUCKETS
    const fullAt = Math.max(this.#fullAt[bucket]!, now)
    if (fullAt - now > this.#burstMs) return false
    this.#fullAt[bucket] = fullAt + this.#intervalMs
    return true
  }

  #hash(words: Uint32Array, at: number): number {
    if (this.#by === 'key') return keyedHash(words, at, KEY_WORDS, this.#key)
    if (this.#by === 'address-and-port') return keyedHash(words, at, ADDRESS_WORDS, this.#key)
    if (isIpv4(words, at) || isDiscardOnly(words, at)) return keyedHash(words, at, 4, this.#key)
    if (this.#by === 'network') return keyedHash(words, at, 2, this.#key)
    site[0] = words[at]!
    site[1] = (words[at + 1]! & SITE_MASK) >>> 0
    return keyedHash(site, 0, 2, this.#key)
  }
}
