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
