/** Mutates an input like other coverage-guided fuzzers: bits, bytes, boundary values, cuts, repeats and splices. */
import type { Random } from '../../shared/crypto/random.ts'

const MOST_BYTES = 4096
const LIMITS = [0, 1, 2, 4, 16, 32, 64, 100, 127, 128, 255]

type Mutation = (input: Uint8Array, random: Random, other: Uint8Array) => Uint8Array

const at = (input: Uint8Array, random: Random): number => random.below(Math.max(1, input.length))

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

function changed(input: Uint8Array, random: Random, change: (byte: number) => number): Uint8Array {
  const copy = input.slice()
  const i = at(copy, random)
  if (i < copy.length) copy[i] = change(copy[i]!)
  return copy
}

const MUTATIONS: readonly Mutation[] = [
  (input, random) => changed(input, random, (byte) => byte ^ (1 << random.below(8))),
  (input, random) => changed(input, random, () => random.below(256)),
  (input, random) => changed(input, random, () => LIMITS[random.below(LIMITS.length)]!),
  (input, random) => changed(input, random, (byte) => byte + random.below(9) - 4),
  (input, random) => {
    const i = at(input, random)
    return joined(input.subarray(0, i), random.bytes(1 + random.below(8)), input.subarray(i))
  },
  (input, random) => {
    const i = at(input, random)
    return joined(input.subarray(0, i), input.subarray(i + 1 + random.below(8)))
  },
  (input, random) => input.slice(0, at(input, random)),
  (input, random) => {
    const [from, to] = [at(input, random), at(input, random)]
    const piece = input.subarray(from, from + 1 + random.below(32))
    return joined(input.subarray(0, to), piece, input.subarray(to))
  },
  (input, random, other) => joined(input.subarray(0, at(input, random)), other.subarray(at(other, random))),
  (input, random) => joined(input, random.bytes(1 + random.below(16))),
]

export function mutated(input: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let result = input
  for (let rounds = 1 << random.below(4); rounds > 0; rounds--) {
    result = MUTATIONS[random.below(MUTATIONS.length)]!(result, random, other)
  }
  return result.subarray(0, MOST_BYTES)
}

/** Yields smaller inputs, the greatest reductions first, to find the smallest one that still fails. */
export function* smaller(input: Uint8Array): Generator<Uint8Array> {
  for (let size = input.length >> 1; size > 0; size >>= 1) {
    for (let from = 0; from < input.length; from += size) {
      yield joined(input.subarray(0, from), input.subarray(from + size))
    }
  }
}
