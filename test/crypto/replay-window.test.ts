import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ReplayWindow, WINDOW } from '../../shared/crypto/replay-window.ts'

describe('a replay window', () => {
  test('is fresh once for each counter, in any order within the window', () => {
    const window = new ReplayWindow()
    const order = [5, 3, 4, 0, 2047, 1, 2048, 2049]
    expect(order.map((counter) => take(window, counter))).toEqual(order.map(() => true))
    expect(order.map((counter) => take(window, counter))).toEqual(order.map(() => false))
  })

  test('refuses what lies 2,048 or more before the greatest', () => {
    const window = new ReplayWindow()
    take(window, 10_000)
    expect(take(window, 10_000 - WINDOW + 1)).toBe(true)
    expect(take(window, 10_000 - WINDOW)).toBe(false)
  })

  test('forgets nothing when it jumps by less than the window, and all when it jumps by more', () => {
    const window = new ReplayWindow()
    take(window, 100)
    take(window, 100 + WINDOW - 1)
    expect(take(window, 100)).toBe(false)
    take(window, 16_777_215)
    expect(take(window, 16_777_214)).toBe(true)
  })

  test('changes nothing by being asked', () => {
    const window = new ReplayWindow()
    take(window, 1)
    window.isFresh(1_000_000)
    expect(window.isFresh(0)).toBe(true)
  })

  test('agrees with a set of all counters seen, whatever their order', () => {
    const step = fc.oneof(fc.integer({ min: -2100, max: 100 }), fc.integer({ min: -64, max: 5000 }))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const window = new ReplayWindow()
        const seen = new Set<number>()
        let greatest = -1
        for (const step of steps) {
          const counter = Math.max(0, greatest + step)
          const expected = counter > greatest - WINDOW && !seen.has(counter)
          expect(take(window, counter)).toBe(expected)
          seen.add(counter)
          greatest = Math.max(greatest, counter)
        }
      }),
    )
  })
})

function take(window: ReplayWindow, counter: number): boolean {
  const fresh = window.isFresh(counter)
  if (fresh) window.mark(counter)
  return fresh
}

test('a window goes on from the bits of the first counters', () => {
  const window = new ReplayWindow((2 ** 0) | (2 ** 5) | (1 << 31), 31)
  window.mark(40)
  for (const counter of [0, 5, 31, 40]) expect(window.isFresh(counter)).toBe(false)
  for (const counter of [1, 30, 32, 39, 41]) expect(window.isFresh(counter)).toBe(true)
})
