import { describe, expect, test } from 'vitest'
import { Random } from '../../shared/crypto/random.ts'
import { hexOf } from './hex.ts'

const seeded = (value = 0) => new Random(new Uint8Array(32).fill(value))

describe('Random', () => {
  test('is the keystream of ChaCha20 without its first 32 bytes, which are the next key', () => {
    // RFC 7539 appendix A.1, vector 1: block 0 of the zero key and nonce.
    expect(hexOf(seeded().bytes(32))).toBe('da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586')
  })

  test('gives the same values for the same seed and the same calls', () => {
    const draw = (random: Random) => [
      hexOf(random.bytes(3000)),
      random.u32(),
      random.below(10),
      random.float(),
      random.fork('a').u32(),
    ]
    expect(draw(seeded(1))).toEqual(draw(seeded(1)))
    expect(draw(seeded(1))).not.toEqual(draw(seeded(2)))
  })

  test('gives the same bytes whether drawn at once or one by one, across refills', () => {
    const [whole, pieces] = [seeded(3), seeded(3)]
    const parts = Array.from({ length: 5000 }, () => pieces.bytes(1)[0]!)
    expect([...whole.bytes(5000)]).toEqual(parts)
  })

  test('never repeats in a million values', () => {
    const random = seeded(4)
    const values = Float64Array.from({ length: 1_000_000 }, () => random.float()).sort()
    expect(values.findIndex((value, i) => value === values[i + 1])).toBe(-1)
  })

  test('spreads values below n evenly, for n that do not divide 2^32 too', () => {
    const random = seeded(5)
    const counts = new Array<number>(7).fill(0)
    for (let i = 0; i < 70_000; i++) counts[random.below(7)]!++
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
    expect(random.below(1)).toBe(0)
    expect(random.below(2 ** 32)).toBeLessThan(2 ** 32)
  })

  test('refuses a range that has no value in it', () => {
    for (const n of [0, -1, 1.5, 2 ** 32 + 1, Number.NaN]) expect(() => seeded().below(n)).toThrow(RangeError)
  })

  test('keeps floats between 0 and 1', () => {
    const random = seeded(6)
    let sum = 0
    for (let i = 0; i < 100_000; i++) {
      const value = random.float()
      if (value < 0 || value >= 1) throw new Error(`out of range: ${value}`)
      sum += value
    }
    expect(sum / 100_000).toBeCloseTo(0.5, 2)
  })

  test('forks into generators that differ by label, and goes on', () => {
    const [a, b] = [seeded(8).fork('a'), seeded(8).fork('b')]
    expect(a.u32()).not.toBe(b.u32())
    const forked = seeded(8)
    forked.fork('a')
    expect(forked.u32()).not.toBe(seeded(8).u32())
  })

  test('leaves the seed as it was', () => {
    const seed = new Uint8Array(32).fill(9)
    new Random(seed).bytes(5000)
    expect(seed).toEqual(new Uint8Array(32).fill(9))
  })
})
