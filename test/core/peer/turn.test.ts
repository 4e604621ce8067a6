import { expect, test } from 'vitest'
import { Turn } from '../../../shared/core/peer/turn.ts'

test('one at a time has the turn, and keeps it until it gives it back', () => {
  const turn = new Turn()
  const [one, other] = [{}, {}]
  expect([turn.take(one), turn.take(one), turn.take(other)]).toEqual([true, true, false])
  turn.give(other)
  expect(turn.take(other)).toBe(false)
  turn.give(one)
  expect([turn.take(other), turn.take(one)]).toEqual([true, false])
})
