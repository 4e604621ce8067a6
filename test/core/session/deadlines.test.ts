import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Deadlines } from '../../../shared/core/session/deadlines.ts'

test('items come out when they are due, earliest first', () => {
  const deadlines = new Deadlines()
  deadlines.set(7, 300)
  deadlines.set(2, 100)
  deadlines.set(9, 200)
  expect(deadlines.next()).toBe(100)
  expect([deadlines.take(250), deadlines.take(250), deadlines.take(250)]).toEqual([2, 9, -1])
  expect(deadlines.next()).toBe(300)
})

test('a deadline that moves counts from its new place, and one at infinity is none', () => {
  const deadlines = new Deadlines()
  deadlines.set(1, 100)
  deadlines.set(2, 200)
  deadlines.set(1, 300)
  deadlines.set(2, Number.POSITIVE_INFINITY)
  expect(deadlines.take(299)).toBe(-1)
  expect(deadlines.take(300)).toBe(1)
  expect(deadlines.next()).toBe(Number.POSITIVE_INFINITY)
})

test('any sequence of changes leaves what a plain map would', () => {
  const change = fc.record({
    item: fc.nat(200),
    at: fc.option(fc.nat(1000), { nil: Number.POSITIVE_INFINITY }),
  })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 300 }), (changes) => {
      const deadlines = new Deadlines()
      const model = new Map<number, number>()
      for (const { item, at } of changes) {
        deadlines.set(item, at)
        if (at === Number.POSITIVE_INFINITY) model.delete(item)
        else model.set(item, at)
        expect(deadlines.next()).toBe(Math.min(Number.POSITIVE_INFINITY, ...model.values()))
      }
      const taken: number[] = []
      for (let item = deadlines.take(1000); item >= 0; item = deadlines.take(1000))
        taken.push(model.get(item)!)
      expect(taken).toEqual([...model.values()].sort((a, b) => a - b))
    }),
  )
})
