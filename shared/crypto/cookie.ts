import { ADDRESS_BYTES } from '../wire/address.ts'
import { Writer } from '../wire/cursor.ts'
import { hash128, hash256, sameBytes } from './hash.ts'
import type { Random } from './random.ts'

/** How long one secret makes cookies; each is taken for at least this and at most twice this. */
export const SECRET_MS = 120_000
const COOKIE_BYTES = 16

/**
 * Proof that a sender receives at its address, without keeping anything for it: BLAKE2b-128, keyed with a secret of two
 * minutes, over the address and a number of the sender's.
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

  /** 16 bytes. `words`: an address as in a batch. */
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
