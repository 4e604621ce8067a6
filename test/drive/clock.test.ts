import { expect, test } from 'vitest'
import { steadyClock } from '../../shared/drive/clock.ts'

test('it follows the wall clock forward, and passes at the monotonic pace while the wall clock is behind', () => {
  let wall = 1_000_000
  let monotonic = 5
  const clock = steadyClock(
    () => wall,
    () => monotonic,
  )
  const after = (wallMs: number, monotonicMs: number) => {
    wall += wallMs
    monotonic += monotonicMs
    return clock()
  }
  expect(after(0, 0)).toBe(1_000_000)
  expect(after(10, 10)).toBe(1_000_010)
  expect(after(3_600_000, 10)).toBe(4_600_010)
  expect(after(-3_600_000, 10)).toBe(4_600_020)
  expect(after(100, 100)).toBe(4_600_120)
  expect(after(3_600_000, 100)).toBe(4_600_220)
  expect(after(1_000, 100)).toBe(4_601_110)
})

test('it is the time of day in whole milliseconds', () => {
  const before = Date.now()
  const now = steadyClock()()
  expect(Number.isInteger(now)).toBe(true)
  expect(Math.abs(now - before)).toBeLessThan(1000)
})
