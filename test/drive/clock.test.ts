import { beforeEach, describe, expect, test } from 'vitest'
import { steadyClock } from '../../shared/drive/clock.ts'

const HOUR_MS = 3_600_000
let wall: number
let monotonic: number
let clock: () => number

/** What the clock says after the wall clock and the monotonic one went on by so much. */
function pass(wallMs: number, monotonicMs: number): number {
  wall += wallMs
  monotonic += monotonicMs
  return clock()
}

beforeEach(() => {
  wall = 10 * HOUR_MS
  monotonic = 5
  clock = steadyClock(
    () => wall,
    () => monotonic,
  )
})

test('the clock passes with both, and follows a wall clock that is set a little forward', () => {
  expect(pass(0, 0)).toBe(10 * HOUR_MS)
  expect(pass(10, 10)).toBe(10 * HOUR_MS + 10)
  expect(pass(30_000, 10)).toBe(10 * HOUR_MS + 30_010)
})

test('a wall clock that reads two hours ahead for a moment changes nothing', () => {
  expect(pass(2 * HOUR_MS, 0)).toBe(10 * HOUR_MS)
  expect(pass(1000, 1000)).toBe(10 * HOUR_MS + 1000)
  expect(pass(-2 * HOUR_MS + 1000, 1000)).toBe(10 * HOUR_MS + 2000)
  expect(pass(100_000, 100_000)).toBe(10 * HOUR_MS + 102_000)
})

test('a leap that lasts, as after sleep, is followed', () => {
  pass(2 * HOUR_MS, 0)
  pass(1000, 1000)
  expect(pass(2000, 2000)).toBe(12 * HOUR_MS + 3000)
})

describe('a clock that has believed in an hour too much', () => {
  beforeEach(() => {
    pass(HOUR_MS, 0)
    pass(3000, 3000)
  })

  test('never runs backwards, and is right again without a restart', () => {
    let before = pass(-HOUR_MS, 0)
    for (let minute = 0; minute < 120; minute++) {
      const next = pass(60_000, 60_000)
      expect(next).toBeGreaterThan(before)
      before = next
    }
    expect(before).toBe(wall)
    expect(pass(1000, 1000)).toBe(wall)
  })
})

test('it is the time of day in whole milliseconds', () => {
  const before = Date.now()
  const now = steadyClock()()
  expect(Number.isInteger(now)).toBe(true)
  expect(Math.abs(now - before)).toBeLessThan(1000)
})
