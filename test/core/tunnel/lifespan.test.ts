import { expect, test } from 'vitest'
import { Lifespan } from '../../../shared/core/tunnel/lifespan.ts'
import { addressOf } from '../../../shared/wire/address.ts'

const never = Number.POSITIVE_INFINITY

/** Makes a lifespan that was observed twice a second, with another port after each of these times. */
function life(...ends: readonly number[]): Lifespan {
  const lifespan = new Lifespan(0)
  for (let now = 0; now <= ends.at(-1)! + 1000; now += 500) {
    const port = 40_000 + ends.filter((at) => at <= now).length
    lifespan.seen(addressOf('203.0.113.7', port)!, now)
  }
  return lifespan
}

test('two mappings that lived equally long foretell the end of the third', () => {
  const { endsAt } = life(50_000, 100_300)
  expect(endsAt).toBeGreaterThan(145_000)
  expect(endsAt).toBeLessThan(151_000)
})

test.each([
  ['one that ended', [50_000]],
  ['two of different lives', [50_000, 130_000]],
  ['short lives', [5000, 10_000, 15_000]],
] as const)('%s: nothing', (_what, ends) => {
  expect(life(...ends).endsAt).toBe(never)
})

test('a mapping made later ends later, and one that ends at another time ends what was known', () => {
  const lifespan = life(50_000, 100_000)
  lifespan.moved(142_000)
  expect(Math.abs(lifespan.endsAt - 192_000)).toBeLessThan(1000)
  for (const [port, now] of [
    [1, 143_000],
    [1, 290_000],
    [2, 290_500],
  ] as const)
    lifespan.seen(addressOf('203.0.113.7', port)!, now)
  expect(lifespan.endsAt).toBe(never)
})

test('another network says nothing of this one', () => {
  const lifespan = life(50_000, 100_000)
  lifespan.forget(110_000)
  expect(lifespan.endsAt).toBe(never)
})
