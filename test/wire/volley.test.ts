import fc from 'fast-check'
import { expect, test } from 'vitest'
import { portOf, type Volley } from '../../shared/wire/volley.ts'

const volley = (change: Partial<Volley>): Volley => ({
  ...{ first: 40_000, stride: 1, count: 100, leap: 0, seed: 0, skip: 0, draws: 6 },
  ...change,
})
const ports = (it: Volley): number[] => Array.from({ length: it.draws }, (_, i) => portOf(it, i))

test('without a seed the ports come in their order, by stride', () => {
  expect(ports(volley({}))).toEqual([40_000, 40_001, 40_002, 40_003, 40_004, 40_005])
  expect(ports(volley({ stride: 2, draws: 3 }))).toEqual([40_000, 40_002, 40_004])
})

test('with a leap one port is left out after each so many', () => {
  expect(ports(volley({ leap: 2 }))).toEqual([40_000, 40_001, 40_003, 40_004, 40_006, 40_007])
})

test('a range goes on at the lowest port, and never names port 0', () => {
  expect(ports(volley({ first: 65_534, draws: 4 }))).toEqual([65_534, 65_535, 1, 1])
})

test('with a seed every port of the range comes once, whatever its size', () => {
  const shape = fc.record({
    count: fc.integer({ min: 1, max: 3000 }),
    seed: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  })
  fc.assert(
    fc.property(shape, ({ count, seed }) => {
      const seen = ports(volley({ first: 1024, count, seed, draws: count }))
      expect(new Set(seen).size).toBe(count)
      expect([Math.min(...seen), Math.max(...seen)]).toEqual([1024, 1023 + count])
    }),
  )
})

test('the draws of two steps have no port in common', () => {
  const range = { first: 1024, count: 64_512, seed: 99, draws: 2048 }
  const both = [...ports(volley(range)), ...ports(volley({ ...range, skip: 2048 }))]
  expect(new Set(both).size).toBe(4096)
})
