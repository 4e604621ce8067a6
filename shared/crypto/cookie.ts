import { ADDRESS_BYTES } from '../wire/address.ts'
import { Writer } from '../wire/cursor.ts'
import { hash128, hash256, sameBytes } from './hash.ts'
import type { Random } from './random.ts'

/** Lifetime of a secret. A cookie is accepted for at least this time, and for at most twice this time. */
export const SECRET_MS = 120_000
const COOKIE_BYTES = 16

/**
 * Stateless cookies that prove that a sender receives at its source address: BLAKE2b-128 over the address and a number of the
 * sender, keyed with a secret that changes every two minutes.
 */
export class Cookies {
  readonly #root: Uint8Array
  readonly #input = new Uint8Array(ADDRESS_BYTES + 4)
  #period = -1
  #secret: Uint8Array = new Uint8Array(0)
  #previous: Uint8Array = new Uint8Array(0)

  constructor(random: Random) {
    this.#root = random.bytes(32)
  }

  /** Makes a cookie of 16 bytes. `words`: an address as in a batch. */
  make(now: number, words: Uint32Array, wordsAt: number, index: number): Uint8Array {
    this.#turn(now)
    return hash128(this.#secret, this.#over(words, wordsAt, index))
  }

  isGood(cookie: Uint8Array, now: number, words: Uint32Array, wordsAt: number, index: number): boolean {
    this.#turn(now)
    const input = this.#over(words, wordsAt, index)
    if (cookie.length !== COOKIE_BYTES) return false
    return (
      sameBytes(cookie, hash128(this.#secret, input)) || sameBytes(cookie, hash128(this.#previous, input))
    )
  }

  #turn(now: number): void {
    const period = Math.floor(now / SECRET_MS)
    if (period === this.#period) return
    this.#period = period
    this.#secret = hash256(this.#root, `${period}`)
    this.#previous = hash256(this.#root, `${period - 1}`)
  }

  #over(words: Uint32Array, wordsAt: number, index: number): Uint8Array {
    return new Writer(this.#input).address(words, wordsAt).u32(index).done()
  }
}
