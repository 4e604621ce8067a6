/**
 * A limit that is charged to who is proven. What proves it costs work that anybody can cause, so that work is bounded for all
 * together; what it shows to come from a peer is charged to that peer, and to no source address, which anybody can forge.
 */
import type { Random } from '../crypto/random.ts'
import { type PeerId, publicKeyOf } from '../ids.ts'
import { RateLimit } from './rate-limit.ts'
import { TokenBucket } from './token-bucket.ts'

const KEY_WORDS = 8

export interface ProvenRates {
  /** Proofs that are looked at, of whomever. */
  readonly openedPerSecond: number
  /** Of one peer, and at once. */
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

  /** Whether one more proof may be looked at. */
  mayOpen(now: number): boolean {
    return this.#opened.take(1, now)
  }

  /** False if this peer has had its part. */
  charge(peer: PeerId, now: number): boolean {
    this.#bytes.set(publicKeyOf(peer))
    return this.#ofPeer.take(this.#words, 0, now)
  }
}
