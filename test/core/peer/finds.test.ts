import { expect, test } from 'vitest'
import { Finds, TOO_MANY } from '../../../shared/core/peer/finds.ts'
import { LIMITS } from '../../../shared/limits.ts'
import type { Find } from '../../../shared/wire/presence.ts'

const FILTER = 'status eq "online"'

function sent(finds: Finds, now: number): number[] {
  const requests: number[] = []
  finds.send(now, ({ request }: Find) => requests.push(request) > 0)
  return requests
}

test('a search without an answer is given up 30 s after it was asked for, whether a session took it or not', () => {
  const finds = new Finds()
  finds.add(1, FILTER, 10, 1000)
  finds.add(2, FILTER, 10, 2000)
  sent(finds, 2000)
  expect(finds.expiresAt()).toBe(31_000)
  expect(finds.expire(30_999)).toEqual([])
  expect(finds.expire(31_000)).toEqual([1])
  finds.restart()
  expect(finds.expire(40_000)).toEqual([2])
  expect([finds.deadline(), finds.expiresAt()]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])
})

test('no more are asked at the same time than a node answers; the next leaves when one is over', () => {
  const finds = new Finds()
  for (let id = 0; id < LIMITS.findsAtOnce + 2; id++) finds.add(id, FILTER, 10, 0)
  const asked = sent(finds, 0)
  expect(asked).toHaveLength(LIMITS.findsAtOnce)
  expect(sent(finds, 0)).toEqual([])
  expect(finds.takeEnd({ request: asked[0]!, count: 0, more: false, error: '' }, 5)).toMatchObject({ id: 0 })
  expect(sent(finds, 5)).toHaveLength(1)
})

test('one that a node refuses for now is asked again a second later, and its application hears nothing of it', () => {
  const finds = new Finds()
  finds.add(1, FILTER, 10, 0)
  const [request] = sent(finds, 0)
  expect(finds.takeEnd({ request: request!, count: 0, more: false, error: TOO_MANY }, 10)).toBeUndefined()
  expect([sent(finds, 1009), finds.deadline()]).toEqual([[], 1010])
  expect(sent(finds, 1010)).toHaveLength(1)
})

test('one that the application forgot is not asked, and its answer means nothing', () => {
  const finds = new Finds()
  finds.add(1, FILTER, 10, 0)
  const [request] = sent(finds, 0)
  finds.withdraw(1)
  expect(finds.takeEnd({ request: request!, count: 0, more: false, error: '' }, 5)).toBeUndefined()
})
