import { expect, test } from 'vitest'
import { median } from '../../bench/traversal/median.ts'
import { comparisons, tableOf } from '../../bench/traversal/table.ts'
import type { Score, TraversalResult } from '../../bench/traversal/traversal.ts'

const score = (direct: number, own?: number, proven = own): Score => ({
  direct,
  runs: 3,
  directMs: own === undefined ? null : { p50: own },
  provenMs: proven === undefined ? null : { p50: proven },
})
const RESULTS: readonly TraversalResult[] = [
  { a: 'open', b: 'open', straightway: score(3, 12), hyperdht: score(3, 9, 13.4), libjuice: score(3, 14) },
  {
    a: 'open',
    b: 'full-cone',
    straightway: score(3, 14),
    hyperdht: score(2, 19, 22),
    libjuice: score(3, 15, 40),
  },
  {
    a: 'port-restricted',
    b: 'upnp',
    straightway: score(3, 250),
    hyperdht: score(1, 900, 901),
    libjuice: score(0),
  },
  { a: 'upnp', b: 'upnp', straightway: score(2, 300), hyperdht: score(0), libjuice: score(0) },
]

test('others are compared on the pairs that both open', () => {
  expect(comparisons(RESULTS)).toEqual([
    {
      beside: 'hyperdht',
      pairs: 3,
      directMs: { ours: 14, theirs: 19 },
      provenMs: { ours: 14, theirs: 22 },
      only: { ours: 1, theirs: 0 },
    },
    {
      beside: 'libjuice',
      pairs: 2,
      directMs: { ours: 13, theirs: 14.5 },
      provenMs: { ours: 13, theirs: 27 },
      only: { ours: 2, theirs: 0 },
    },
  ])
})

test('a message that never came back is later than any that did', () => {
  const silent = { direct: 3, runs: 3, directMs: { p50: 5 }, provenMs: null }
  const [, beside] = comparisons([
    { a: 'open', b: 'open', straightway: score(3, 9), hyperdht: silent, libjuice: silent },
  ])
  expect(beside).toMatchObject({
    directMs: { theirs: 5 },
    provenMs: { ours: 9, theirs: Number.POSITIVE_INFINITY },
  })
})

test.each([
  [[], 0],
  [[3], 3],
  [[9, 1, 5], 5],
  [[8, 1, 2, 4], 3],
])('the median of %j is %d', (values, middle) => {
  expect(median(values)).toBe(middle)
})

test('the table has a row for each pair, and a sentence for each of the others', () => {
  const lines = tableOf(RESULTS).split('\n')
  expect(lines[0]).toBe('| pair | straightway | HyperDHT | libjuice |')
  expect(lines[4]).toBe('| `port-restricted` to `upnp` | 3/3, 250 ms | 1/3, 900 (901) ms | 0/3 |')
  expect(lines.at(-1)).toBe(
    'Beside libjuice: 2 pairs open to both. Medians, ours first: until direct by its own account 13 ms and 14.5 ms; until a message was there and back 13 ms and 27 ms. Only we open 2, only it 0.',
  )
})
