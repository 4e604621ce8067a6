import { expect, test } from 'vitest'
import { Pace } from '../../../shared/core/peer/pace.ts'

test('a keep-alive is due once an interval while it is answered', () => {
  const pace = new Pace(25_000, 0)
  expect(pace.due(24_999)).toBe('wait')
  expect(pace.due(25_000)).toBe('send')
  pace.heard(25_050)
  expect(pace.deadline()).toBe(50_050)
})

test('three without an answer, a second apart, and the node is dead', () => {
  const pace = new Pace(25_000, 0)
  expect([25_000, 26_000, 27_000, 28_000].map((now) => pace.due(now))).toEqual([
    'send',
    'send',
    'send',
    'dead',
  ])
})

test('an answer to the third is enough', () => {
  const pace = new Pace(25_000, 0)
  for (const now of [25_000, 26_000, 27_000]) pace.due(now)
  pace.heard(27_900)
  expect(pace.due(28_000)).toBe('wait')
})

test('doubt brings the next keep-alive forward, but not again while one is under way', () => {
  const pace = new Pace(25_000, 0)
  pace.hurry(100)
  expect(pace.due(100)).toBe('send')
  pace.hurry(200)
  expect(pace.due(200)).toBe('wait')
  expect(pace.deadline()).toBe(1100)
})

test('the interval stays between 2 and 55 seconds', () => {
  const pace = new Pace(1000, 0)
  expect(pace.intervalMs).toBe(2000)
  pace.intervalMs = 90_000
  expect(pace.intervalMs).toBe(55_000)
  expect(pace.deadline()).toBe(55_000)
})

test('after a GONE the node is asked three times within two round trips each, and not for every GONE', () => {
  const pace = new Pace(25_000, 0)
  expect(pace.due(25_000)).toBe('send')
  expect(pace.doubt(25_010, 20)).toBe(true)
  expect(pace.doubt(25_020, 20)).toBe(false)
  expect([25_259, 25_260, 25_510, 25_760].map((now) => pace.due(now))).toEqual([
    'wait',
    'send',
    'send',
    'dead',
  ])
})

test('a slow node has time to answer after a GONE, and after its answer the pace is as before', () => {
  const pace = new Pace(25_000, 0)
  pace.due(25_000)
  pace.doubt(25_600, 300)
  expect(pace.due(26_199)).toBe('send')
  pace.heard(26_300)
  expect(pace.deadline()).toBe(51_300)
  expect(pace.due(51_300)).toBe('send')
  expect(pace.deadline()).toBe(52_300)
})
