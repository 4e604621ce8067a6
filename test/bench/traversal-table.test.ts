import { expect, test } from 'vitest'
import { comparisons, tableOf } from '../../bench/traversal/table.ts'
import type { Score, TraversalResult } from '../../bench/traversal/traversal.ts'

const score = (direct: number, p50?: number): Score => ({
  direct,
  runs: 3,
  directMs: p50 === undefined ? null : { p50 },
})
const RESULTS: readonly TraversalResult[] = [
  { a: 'open', b: 'open', straightway: score(3, 12), hyperdht: score(3, 9), libjuice: score(3, 14) },
  { a: 'open', b: 'full-cone', straightway: score(3, 14), hyperdht: score(2, 19), libjuice: score(3, 15) },
  {
    a: 'port-restricted',
    b: 'upnp',
    straightway: score(3, 250),
    hyperdht: score(1, 900),
    libjuice: score(0),
  },
  { a: 'upnp', b: 'upnp', straightway: score(2, 300), hyperdht: score(0), libjuice: score(0) },
]

test('others are compared on the pairs that both open', () => {
  expect(comparisons(RESULTS)).toEqual([
    { beside: 'hyperdht', pairs: 3, medianMs: { ours: 14, theirs: 19 }, only: { ours: 1, theirs: 0 } },
    { beside: 'libjuice', pairs: 2, medianMs: { ours: 12, theirs: 14 }, only: { ours: 2, theirs: 0 } },
  ])
})

test('the table has a row for each pair, and a sentence for each of the others', () => {
  const lines = tableOf(RESULTS).split('\n')
  expect(lines[0]).toBe('| pair | straightway | HyperDHT | libjuice |')
  expect(lines[4]).toBe('| `port-restricted` to `upnp` | 3/3, 250 ms | 1/3, 900 ms | 0/3 |')
  expect(lines.at(-1)).toBe(
    'Beside libjuice: 2 pairs open to both, median 12 ms and 14 ms; only we open 2, only it 0.',
  )
})
