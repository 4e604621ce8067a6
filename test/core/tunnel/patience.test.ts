import { expect, test } from 'vitest'
import { Patience } from '../../../shared/core/tunnel/patience.ts'

const shared = (byte: number) => new Uint8Array(32).fill(byte)

/** Returns the seconds until each next attempt, rounded to tens. */
function waits(patience: Patience, failures: number, byChance: boolean): number[] {
  return Array.from({ length: failures }, () => {
    patience.failed(byChance)
    return Math.round(patience.waitMs / 10_000) * 10
  })
}

test('what failed three ways is tried ever rarer, up to every ten minutes less a fifth', () => {
  const all = waits(new Patience(shared(1)), 8, false)
  expect(all.slice(0, 2)).toEqual([60, 60])
  for (const [i, longest] of [120, 240, 480, 600, 600, 600].entries()) {
    expect(all[i + 2]).toBeLessThanOrEqual(longest)
    expect(all[i + 2]).toBeGreaterThanOrEqual(longest * 0.8)
  }
})

test('where ports are drawn, nine attempts come at the first pace', () => {
  const all = waits(new Patience(shared(1)), 12, true)
  expect(all.slice(0, 9)).toEqual(Array(9).fill(60))
  expect(all[9]).toBeGreaterThan(60)
  expect(all[11]).toBeGreaterThan(all[9]!)
})

test('both sides wait equally long, and other tunnels not', () => {
  const [one, same, other] = [1, 1, 2].map((byte) => waitsOf(new Patience(shared(byte))))
  expect(same).toEqual(one)
  expect(other).not.toEqual(one)
})

test('something new begins from the first pace', () => {
  const patience = new Patience(shared(1))
  waits(patience, 12, true)
  patience.renew()
  expect(waits(patience, 9, true)).toEqual(Array(9).fill(60))
})

function waitsOf(patience: Patience): number[] {
  return Array.from({ length: 6 }, () => {
    patience.failed(false)
    return patience.waitMs
  })
}
