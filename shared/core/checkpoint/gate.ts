/**
 * Protects the node from floods of sign-ins, each of which costs a handshake of a fraction of a millisecond.
 *
 * Above `cookiesAbove` sign-ins a second, a sign-in must bring a cookie, which proves that the peer receives at its source
 * address. A forged source then costs the node only a hash and a datagram that is shorter than the request. The rate of
 * handshakes for sign-ins with a cookie is limited. A network here is an IPv4 address, an IPv6 /48 (a site) or a carried peer:
 *
 *   reserved   for networks with few sign-ins (LIGHT_PER_SECOND). A flood from one network, or from many addresses of one site,
 *              cannot keep these out
 *   shared     for all others, at most NETWORK_PER_SECOND for one network. If a node dies, all its 20,000 peers behind one
 *              carrier's NAT are back within half a minute, and one IPv6 site cannot use up a core
 */
import { Cookies } from '../../crypto/cookie.ts'
import type { Random } from '../../crypto/random.ts'
import { ADDRESS_WORDS } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import { encodeCookie, type SignIn } from '../../wire/sign-in.ts'
import { RateLimit } from '../rate-limit.ts'
import { TokenBucket } from '../token-bucket.ts'
import type { CheckpointCounters } from './counters.ts'
import type { Knock } from './knock.ts'

/** Default number of sign-ins a second that need no cookie. */
export const COOKIES_ABOVE = 200
const LIGHT_PER_SECOND = 20
const LIGHT_BURST = 40
const RESERVED_PER_SECOND = 500
const NETWORK_PER_SECOND = 1000
const SHARED_PER_SECOND = 1500

export class Gate {
  readonly #cookies: Cookies
  readonly #counters: CheckpointCounters
  readonly #cookiesAbove: number
  readonly #light: RateLimit
  readonly #reserved = new TokenBucket(RESERVED_PER_SECOND, RESERVED_PER_SECOND)
  readonly #heavy: RateLimit
  readonly #shared = new TokenBucket(SHARED_PER_SECOND, SHARED_PER_SECOND)
  #second = 0
  #inSecond = 0

  constructor(random: Random, counters: CheckpointCounters, cookiesAbove: number) {
    this.#cookies = new Cookies(random)
    const key = { low: random.u32(), high: random.u32() }
    this.#light = new RateLimit(key, LIGHT_PER_SECOND, LIGHT_BURST, 'site')
    this.#heavy = new RateLimit(key, NETWORK_PER_SECOND, NETWORK_PER_SECOND, 'site')
    this.#counters = counters
    this.#cookiesAbove = cookiesAbove
  }

  /** True if the sign-in is to be processed. False if a cookie was sent instead, or if a rate limit is exceeded. */
  lets({ index, cookie }: SignIn, { arrived, i, out, now }: Knock): boolean {
    if (!this.#isLoaded(now)) return true
    const at = i * ADDRESS_WORDS
    if (this.#cookies.isGood(cookie, now, arrived.address, at, index))
      return this.#isWithinLimits(arrived, at, now)
    const given = this.#cookies.make(now, arrived.address, at, index)
    out.push(encodeCookie({ index, cookie: given }), arrived.address, at, arrived.socket[i]!)
    this.#counters.cookies++
    return false
  }

  #isWithinLimits({ address }: Batch, at: number, now: number): boolean {
    if (this.#light.take(address, at, now) && this.#reserved.take(1, now)) return true
    if (this.#heavy.take(address, at, now) && this.#shared.take(1, now)) return true
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
