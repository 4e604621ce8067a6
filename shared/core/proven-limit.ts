/**
 * A rate limit charged to proven peers. Checking a proof costs work that anybody can cause, so the checks have one limit for
 * all senders together. A request that is proven to come from a peer is charged to that peer. No limit is charged to a source
 * address, which anybody can forge.
 */
import type { Random } from '../crypto/random.ts'
import { type PeerId, publicKeyOf } from '../ids.ts'
import { RateLimit } from './rate-limit.ts'
import { TokenBucket } from './token-bucket.ts'

const KEY_WORDS = 8

export interface ProvenRates {
  /** Proofs to check, from all senders together. */
  readonly openedPerSecond: number
  /** Requests of one peer, and its burst. */
  readonly perSecond: number
  readonly burst: number
}

export class ProvenLimit {
  readonly #opened: TokenBucket
  readonly #ofPeer: RateLimit
  readonly #words = new Uint32Array(KEY_WORDS)
  readonly #bytes = new Uint8Array(this.#words.buffer)

  constructor({ openedPerSecond, perSecond, burst }: ProvenRates, random: Random) {
    this.#opened = new TokenBucket(openedPerSecond, openedPerSecond)
    this.#ofPeer = new RateLimit({ low: random.u32(), high: random.u32() }, perSecond, burst, 'key')
  }

  /** True if one more proof may be checked. */
  mayOpen(now: number): boolean {
    return this.#opened.take(1, now)
  }

  /** Charges a request to a peer; false if the peer is over its limit. */
  charge(peer: PeerId, now: number): boolean {
    this.#bytes.set(publicKeyOf(peer))
    return this.#ofPeer.take(this.#words, 0, now)
  }
}
