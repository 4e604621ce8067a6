import { hash256 } from './hash.ts'
import { sodium } from './native.ts'

const SEED_BYTES = 32
const POOL_BYTES = 1024
const NONCE = new Uint8Array(8)
const NO_POOL = new Uint8Array(0)
const NO_VIEW = new DataView(NO_POOL.buffer)
const TWO_32 = 0x1_0000_0000

/**
 * A deterministic random generator for a machine: the keystream of ChaCha20. The same seed and the same calls give the same
 * values. Each refill uses its first 32 bytes as the next key, so the memory reveals nothing about earlier values.
 */
export class Random {
  readonly #key: Uint8Array
  /** Made at the first use: a tunnel has several generators, and most are never used. */
  #pool = NO_POOL
  #view = NO_VIEW
  #at = POOL_BYTES

  /** `seed`: 32 bytes, copied. */
  constructor(seed: Uint8Array) {
    if (seed.length !== SEED_BYTES) throw new RangeError('a seed has 32 bytes')
    this.#key = new Uint8Array(seed)
  }

  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length)
    for (let done = 0; done < length; ) {
      if (this.#at === POOL_BYTES) this.#refill()
      const part = Math.min(length - done, POOL_BYTES - this.#at)
      out.set(this.#pool.subarray(this.#at, this.#at + part), done)
      this.#pool.fill(0, this.#at, this.#at + part)
      this.#at += part
      done += part
    }
    return out
  }

  /** An integer from 0 to 2^32 - 1. */
  u32(): number {
    if (this.#at + 4 > POOL_BYTES) this.#refill()
    const value = this.#view.getUint32(this.#at)
    this.#view.setUint32(this.#at, 0)
    this.#at += 4
    return value
  }

  /** An integer from 0 to n - 1, uniformly distributed. `n`: 1 to 2^32, otherwise a RangeError is thrown. */
  below(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > TWO_32) throw new RangeError('n is an integer from 1 to 2^32')
    const fair = TWO_32 - (TWO_32 % n)
    let value = this.u32()
    while (value >= fair) value = this.u32()
    return value % n
  }

  /** A number from 0 up to but not including 1, in steps of 2^-53. */
  float(): number {
    return ((this.u32() >>> 5) * 0x400_0000 + (this.u32() >>> 6)) / 2 ** 53
  }

  /** Another generator, independent of this one and of forks with other labels. */
  fork(label: string): Random {
    return new Random(hash256(this.bytes(SEED_BYTES), label))
  }

  #refill(): void {
    if (this.#pool === NO_POOL) {
      this.#pool = new Uint8Array(POOL_BYTES)
      this.#view = new DataView(this.#pool.buffer)
    }
    sodium.crypto_stream_chacha20(this.#pool, NONCE, this.#key)
    this.#key.set(this.#pool.subarray(0, SEED_BYTES))
    this.#pool.fill(0, 0, SEED_BYTES)
    this.#at = SEED_BYTES
  }
}
