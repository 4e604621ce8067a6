/**
 * Under load only those come in who have shown that they receive at their address: they bring the cookie they were sent. What
 * is proven is limited by address, as each sign-in costs a handshake: one machine with one cookie cannot keep all others out.
 */
import { Cookies } from '../../crypto/cookie.ts'
import type { Random } from '../../crypto/random.ts'
import { ADDRESS_WORDS } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import { encodeCookie, type SignIn } from '../../wire/sign-in.ts'
import { RateLimit } from '../rate-limit.ts'
import type { CheckpointCounters } from './counters.ts'
import type { Knock } from './knock.ts'

/** Sign-ins in a second that need no cookie, where nothing else is said. */
export const COOKIES_ABOVE = 200
/** From one IP with good cookies: all that a node loses its peers to may be behind one carrier's NAT, and they come again. */
const PROVEN_PER_SECOND = 50
const PROVEN_BURST = 500

export class Gate {
  readonly #cookies: Cookies
  readonly #counters: CheckpointCounters
  readonly #proven: RateLimit
  readonly #cookiesAbove: number
  #second = 0
  #inSecond = 0

  constructor(random: Random, counters: CheckpointCounters, cookiesAbove: number) {
    this.#cookies = new Cookies(random)
    const key = { low: random.u32(), high: random.u32() }
    this.#proven = new RateLimit(key, PROVEN_PER_SECOND, PROVEN_BURST)
    this.#counters = counters
    this.#cookiesAbove = cookiesAbove
  }

  /** False where a cookie was sent instead, or where there were too many of them. */
  lets({ index, cookie }: SignIn, { arrived, i, out, now }: Knock): boolean {
    if (!this.#isLoaded(now)) return true
    const at = i * ADDRESS_WORDS
    if (this.#cookies.isGood(cookie, now, arrived.address, at, index))
      return this.#isWithinLimit(arrived, at, now)
    const given = this.#cookies.make(now, arrived.address, at, index)
    out.push(encodeCookie({ index, cookie: given }), arrived.address, at, arrived.socket[i]!)
    this.#counters.cookies++
    return false
  }

  #isWithinLimit({ address }: Batch, at: number, now: number): boolean {
    if (this.#proven.take(address, at, now)) return true
    this.#counters.rateLimited++
    return false
  }

  #isLoaded(now: number): boolean {
    const second = Math.floor(now / 1000)
    this.#inSecond = second === this.#second ? this.#inSecond + 1 : 1
    this.#second = second
    return this.#inSecond > this.#cookiesAbove
  }
}
