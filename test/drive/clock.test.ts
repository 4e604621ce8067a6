import { beforeEach, describe, expect, test } from 'vitest'
import { SteadyClock } from '../../shared/drive/clock.ts'

const HOUR_MS = 3_600_000
const START = 10 * HOUR_MS
let wall: number
let monotonic: number
let uptime: number
let clock: SteadyClock

/** Lets `ms` pass, sets the wall clock forward by `setForwardMs` as well, and returns what the clock shows. */
function pass(ms: number, setForwardMs = 0): { readonly now: number; readonly aheadMs: number } {
  monotonic += ms
  uptime += ms
  wall += ms + setForwardMs
  return { now: clock.now(), aheadMs: clock.aheadMs }
}

/** Puts the machine to sleep: the monotonic clock stands still, as on Linux. */
function sleep(ms: number): { readonly now: number; readonly aheadMs: number } {
  uptime += ms
  wall += ms
  return { now: clock.now(), aheadMs: clock.aheadMs }
}

beforeEach(() => {
  wall = START
  monotonic = 5.25
  uptime = 700_000
  clock = new SteadyClock({ wall: () => wall, monotonic: () => monotonic, uptime: () => uptime })
})

test('it passes with the monotonic clock, and follows a wall clock that is set a little', () => {
  expect(pass(0)).toEqual({ now: START, aheadMs: 0 })
  expect(pass(10)).toEqual({ now: START + 10, aheadMs: 0 })
  expect(pass(10, 30_000)).toEqual({ now: START + 20, aheadMs: 30_000 })
  expect(pass(10, -40_000)).toEqual({ now: START + 30, aheadMs: -10_000 })
})

describe.each([
  ['two hours ahead', 2 * HOUR_MS],
  ['two hours behind', -2 * HOUR_MS],
  ['thirty days ahead', 720 * HOUR_MS],
])('a wall clock that reads %s', (_, offMs) => {
  test('for a moment changes nothing', () => {
    expect(pass(0, offMs)).toEqual({ now: START, aheadMs: 0 })
    expect(pass(1000)).toEqual({ now: START + 1000, aheadMs: 0 })
    expect(pass(1000, -offMs)).toEqual({ now: START + 2000, aheadMs: 0 })
    expect(pass(100_000)).toEqual({ now: START + 102_000, aheadMs: 0 })
  })

  test('and stays so is believed, moves no timer, and is right again within seconds of its return', () => {
    pass(0, offMs)
    expect(pass(3000)).toEqual({ now: START + 3000, aheadMs: offMs })
    expect(pass(1000)).toEqual({ now: START + 4000, aheadMs: offMs })
    pass(0, -offMs)
    expect(pass(3000)).toEqual({ now: START + 7000, aheadMs: 0 })
  })
})

test('it counts the time that the machine slept, once', () => {
  pass(1000)
  expect(sleep(HOUR_MS)).toEqual({ now: START + 1000 + HOUR_MS, aheadMs: 0 })
  expect(pass(10, 2 * HOUR_MS)).toEqual({ now: START + 1010 + HOUR_MS, aheadMs: 0 })
  expect(pass(3000)).toEqual({ now: START + 4010 + HOUR_MS, aheadMs: 2 * HOUR_MS })
  expect(sleep(30_000).now).toBe(START + 34_010 + HOUR_MS)
})

test('it counts sleep also after the wall clock was set while the machine slept', () => {
  pass(1000)
  wall -= 24 * HOUR_MS
  expect(sleep(HOUR_MS)).toEqual({ now: START + 1000 + HOUR_MS, aheadMs: 0 })
  expect(pass(3000)).toEqual({ now: START + 4000 + HOUR_MS, aheadMs: -24 * HOUR_MS })
})

test('whatever the wall clock does, it never runs backwards, and both are whole milliseconds', () => {
  let before = clock.now()
  for (const [i, setMs] of [5e9, -7e9, 61_000, -61_000, 3001, -9e11, 9e11].entries()) {
    monotonic += 700.3 * i
    wall += 700 * i + setMs
    const now = clock.now()
    expect(now).toBeGreaterThanOrEqual(before)
    expect([now, clock.aheadMs].every(Number.isInteger)).toBe(true)
    before = now
  }
})

test('the clock of this process says the time of day in whole milliseconds', () => {
  const before = Date.now()
  const real = new SteadyClock()
  const now = real.now()
  expect(Number.isInteger(now)).toBe(true)
  expect(Number.isInteger(real.aheadMs)).toBe(true)
  expect(Math.abs(now + real.aheadMs - before)).toBeLessThan(1000)
})
