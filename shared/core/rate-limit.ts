import { ADDRESS_WORDS, isDiscardOnly, isIpv4 } from '../wire/address.ts'
import { type HashKey, keyedHash } from '../wire/keyed-hash.ts'

/** Number of buckets: half a megabyte. With a million sources, sixteen share a bucket and are limited together. */
const BUCKETS = 2 ** 16
/** Words of a public key of 32 bytes. */
const KEY_WORDS = 8
const SITE_MASK = 0xffff_0000

/**
 * The kinds of source that have a bucket of their own:
 *
 *   - `network`: an IPv4 address, an IPv6 /64 (one customer) or a carried peer
 *   - `site`: the same with an IPv6 /48 (one site)
 *   - an address with its port, or a key of 32 bytes
 */
export type LimitedBy = 'network' | 'site' | 'address-and-port' | 'key'

const site = new Uint32Array(2)

/**
 * Token buckets for any number of sources in constant memory. A hash under a secret key selects the bucket of a source, so
 * nobody can choose addresses that empty another source's bucket. Sources with colliding hashes share a bucket, so they may be
 * allowed less, but never more.
 */
export class RateLimit {
  readonly #key: HashKey
  readonly #by: LimitedBy
  readonly #intervalMs: number
  readonly #burstMs: number
  /** The time at which each bucket is full again (GCRA: a bucket is one number). */
  readonly #fullAt = new Float64Array(BUCKETS)

  /** Allows `perSecond` on average, and a burst of `burst`. */
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
