import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Filter } from '../../../shared/model/filter/ast.ts'
import { matches } from '../../../shared/model/filter/evaluate.ts'
import { parseFilter } from '../../../shared/model/filter/parse.ts'
import { LIST_EVERYTHING, type Plan, plansOf } from '../../../shared/model/search/plan.ts'
import { entryOf, pairsOf } from '../../../shared/model/search/terms.ts'
import { arbitraryFilter, arbitraryRecord } from '../filter/arbitrary.ts'

const SEARCHABLE = ['a', 'b', 'level.a', 'Tags']
const isSearchable = (attribute: string) =>
  SEARCHABLE.some((path) => path.toLowerCase() === attribute) ? 'several' : undefined
const single = (attribute: string) => (isSearchable(attribute) ? 'one' : undefined)
const attributesOf = (text: string) =>
  plansOf(parseFilter(text), single).map(({ ranges }) => ranges.map((range) => range.attribute))

test('and offers its most promising parts, or needs all of them', () => {
  expect(attributesOf('a eq 1 and b gt 2')).toEqual([['a']])
  expect(attributesOf('a eq 1 and b eq 2')).toEqual([['a'], ['b']])
  expect(attributesOf('a pr and b sw "x"')).toEqual([['b']])
  expect(attributesOf('a eq 1 or b gt 2')).toEqual([['a', 'b']])
  expect(attributesOf('(a eq 1 or other eq 2) and tags pr')).toEqual([['tags']])
})

test('fault 9: two bounds on one attribute are one range between them', () => {
  const rangesOf = (text: string) => plansOf(parseFilter(text), single)[0]?.ranges
  const [between] = rangesOf('a ge 10 and a le 11')!
  const [from, to] = [rangesOf('a ge 10')![0]!, rangesOf('a le 11')![0]!]
  expect(rangesOf('a ge 10 and a le 11')).toEqual([{ attribute: 'a', from: from.from, to: to.to }])
  expect(rangesOf('a le 11 and b pr and a ge 10')).toEqual([between])
  expect(rangesOf('a ge 11 and a le 10')).toEqual([])
})

test.each([
  'a ne 1',
  'a co "x"',
  'a ew "x"',
  'not (a eq 1)',
  'a eq null',
  'a[b eq 1]',
  'other eq 1',
  'a eq 1 or other eq 1',
])('%s can only be evaluated on everything', (text) => {
  expect(plansOf(parseFilter(text), isSearchable)).toEqual([LIST_EVERYTHING])
})

test('more ranges than a call reads are everything', () => {
  const wanting = (count: number) => Array.from({ length: count }, (_, i) => `a eq ${i}`).join(' or ')
  expect(plansOf(parseFilter(wanting(24)), single)[0]!.ranges).toHaveLength(24)
  expect(plansOf(parseFilter(wanting(25)), single)).toEqual([LIST_EVERYTHING])
  expect(attributesOf(`b eq 1 and (${wanting(25)})`)).toEqual([['b']])
})

test('no filter lists everything', () => {
  expect(plansOf(undefined, isSearchable)).toEqual([LIST_EVERYTHING])
})

test('every plan finds every record that matches', () => {
  let matched = 0
  const property = fc.property(arbitraryFilter, arbitraryRecord, (filter: Filter, record) => {
    if (!matches(filter, record)) return
    matched++
    for (const plan of plansOf(filter, isSearchable)) expect(finds(plan, record)).toBe(true)
  })
  fc.assert(property, { numRuns: 3000 })
  expect(matched).toBeGreaterThan(300)
})

function finds({ ranges }: Plan, record: unknown): boolean {
  return pairsOf(record, SEARCHABLE).some(({ attribute, value }) => {
    const entry = Buffer.from(entryOf(value, 'id'))
    const isIn = (range: Plan['ranges'][number]) =>
      range.attribute === attribute &&
      Buffer.compare(entry, Buffer.from(range.from)) >= 0 &&
      Buffer.compare(entry, Buffer.from(range.to)) <= 0
    return ranges.some(isIn)
  })
}
