/** Under load only those come in who have shown that they receive at their address: they bring the cookie they were sent. */
import { Cookies } from '../../crypto/cookie.ts'
import type { Random } from '../../crypto/random.ts'
import { ADDRESS_WORDS } from '../../wire/address.ts'
import { encodeCookie, type SignIn } from '../../wire/sign-in.ts'
import type { CheckpointCounters } from './counters.ts'
import type { Knock } from './knock.ts'

/** Sign-ins in a second from which on a cookie is asked for. */
const LOAD_PER_SECOND = 200

export class Gate {
  readonly #cookies: Cookies
  readonly #counters: CheckpointCounters
  #second = 0
  #inSecond = 0

  constructor(random: Random, counters: CheckpointCounters) {
    this.#cookies = new Cookies(random)
    this.#counters = counters
  }

  /** False where a cookie was sent instead. */
  lets({ index, cookie }: SignIn, { arrived, i, out, now }: Knock): boolean {
    if (!this.#isLoaded(now)) return true
    const at = i * ADDRESS_WORDS
    if (this.#cookies.isGood(cookie, now, arrived.address, at, index)) return true
    const given = this.#cookies.make(now, arrived.address, at, index)
    out.push(encodeCookie({ index, cookie: given }), arrived.address, at, arrived.socket[i]!)
    this.#counters.cookies++
    return false
  }

  #isLoaded(now: number): boolean {
    const second = Math.floor(now / 1000)
    this.#inSecond = second === this.#second ? this.#inSecond + 1 : 1
    this.#second = second
    return this.#inSecond > LOAD_PER_SECOND
  }
}
