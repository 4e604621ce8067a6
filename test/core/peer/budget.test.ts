import { expect, test } from 'vitest'
import { Budget } from '../../../shared/core/peer/budget.ts'
import { LIMITS } from '../../../shared/limits.ts'

/** Returns how many requests of that cost leave between two times, if one is tried every millisecond. */
function spent(budget: Budget, cost: number, from: number, to: number): number {
  let count = 0
  for (let now = from; now < to; now++) while (budget.take(cost, now)) count++
  return count
}

test('a session may ask for a burst, and then for as much as the node grants; never for more', () => {
  const budget = new Budget()
  budget.renew(0)
  const [burst, after] = [spent(budget, 1, 0, 1), spent(budget, 1, 1, 10_000)]
  expect(burst).toBeGreaterThan(0.8 * LIMITS.requestsBurst)
  expect(burst).toBeLessThanOrEqual(LIMITS.requestsBurst)
  expect(after).toBeGreaterThan(0.8 * 10 * LIMITS.requestsPerSecond)
  expect(after).toBeLessThanOrEqual(10 * LIMITS.requestsPerSecond)
})

test('it says when the next request may leave, and is right', () => {
  const budget = new Budget()
  budget.renew(0)
  spent(budget, 5, 0, 1)
  const at = budget.availableAt(5)
  expect([budget.take(5, at - 1), budget.take(5, at)]).toEqual([false, true])
})

test('after a refusal of the node nothing leaves until there is something again', () => {
  const budget = new Budget()
  budget.renew(0)
  budget.exhaust(100)
  expect(budget.take(1, 100)).toBe(false)
  expect(spent(budget, 1, 100, 1100)).toBeLessThanOrEqual(LIMITS.requestsPerSecond)
  budget.renew(1100)
  expect(budget.take(1, 1100)).toBe(true)
})
