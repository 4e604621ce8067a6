/** A secret of 64 bits, as two words. */
export interface HashKey {
  readonly low: number
  readonly high: number
}

const COMPRESS_ROUNDS = 2
const FINISH_ROUNDS = 4

const state = new Int32Array(4)

/**
 * HalfSipHash-2-4 with 32 bits of output (Aumasson, Bernstein) over `count` words as little-endian bytes. Without the
 * key nobody can choose words that collide, so a table or a set of buckets cannot be flooded on purpose.
 */
export function keyedHash(words: Uint32Array, at: number, count: number, key: HashKey): number {
  state[0] = key.low
  state[1] = key.high
  state[2] = 0x6c796765 ^ key.low
  state[3] = 0x74656462 ^ key.high
  for (let i = 0; i < count; i++) absorb(words[at + i]!)
  absorb(count << 26)
  state[2]! ^= 0xff
  rounds(FINISH_ROUNDS)
  return (state[1]! ^ state[3]!) >>> 0
}

function absorb(word: number): void {
  state[3]! ^= word
  rounds(COMPRESS_ROUNDS)
  state[0]! ^= word
}

function rounds(count: number): void {
  let v0 = state[0]!
  let v1 = state[1]!
  let v2 = state[2]!
  let v3 = state[3]!
  for (let i = 0; i < count; i++) {
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
  }
  state[0] = v0
  state[1] = v1
  state[2] = v2
  state[3] = v3
}
