import fc from 'fast-check'
import { filter as filterOf, parse as parseByLibrary } from 'scim2-parse-filter'
import { expect, test } from 'vitest'
import type { Filter } from '../../../shared/model/filter/ast.ts'
import { matches } from '../../../shared/model/filter/evaluate.ts'
import { parseFilter } from '../../../shared/model/filter/parse.ts'
import { written } from './arbitrary.ts'

const peer = {
  name: 'Ann',
  status: 'online',
  lastSeenAt: 1000,
  attributes: { born: '2001-02-03T04:05:06Z', tags: ['red', 'blue'], empty: [], none: null, text: '' },
  metadata: { level: 42, open: true, Game: 'chess' },
  devices: [
    { kind: 'phone', year: 2020 },
    { kind: 'laptop', year: 2024 },
  ],
}

test.each([
  'name eq "Ann"',
  'NAME Eq "Ann"',
  'name sw "A" and name ew "n" and name co "nn"',
  'metadata.level gt 41 and metadata.level le 42',
  'metadata.open eq true',
  'metadata.game eq "chess"',
  'attributes.tags eq "blue"',
  'attributes.tags ne "blue"',
  'attributes.none eq null',
  'not (attributes.tags eq "green")',
  'not (missing eq 1)',
  'attributes.born eq "2001-02-03T05:05:06+01:00"',
  'attributes.born lt "2001-02-03T04:05:06.001Z"',
  'attributes.born sw "2001-02"',
  'attributes.born gt "2000"',
  'devices.kind eq "phone" and devices.year eq 2024',
  'devices[kind eq "phone" and year eq 2020]',
  'attributes pr and attributes.tags pr',
  'name gt "Amy" and name lt "Bob"',
])('%s holds', (text) => {
  expect(matches(parseFilter(text), peer)).toBe(true)
})

test.each([
  'name eq "ann"',
  'missing ne "x"',
  'missing pr',
  'attributes.none pr',
  'attributes.empty pr',
  'attributes.text pr',
  'metadata.level eq "42"',
  'metadata.level gt "1"',
  'metadata.open eq "true"',
  'name gt 1',
  'name gt "2001-02-03T04:05:06Z"',
  'devices[kind eq "phone" and year eq 2024]',
  'not (attributes.tags eq "red")',
  'constructor pr',
])('%s does not hold', (text) => {
  expect(matches(parseFilter(text), peer)).toBe(false)
})

test('texts are ordered by code point', () => {
  expect(matches(parseFilter('x gt "\uffee"'), { x: '\u{1f600}' })).toBe(true)
})

/**
 * The reference library differs from ours, on purpose or by accident:
 *
 * - It treats a list of plain values as one value.
 * - Null and empty values are present.
 * - It compares values of different kinds as JavaScript does, and dates as texts.
 * - It cannot read a negative number before a bracket.
 * - A value path on a list applies to the whole list.
 *
 * If attributes keep to one kind, both give the same results.
 */
const text = fc.constantFrom('a', 'ab', 'abc', 'b', 'é')
const number = fc.constantFrom(0, 1, 2, 2.5, 1e9)
const device = fc.record({ kind: text, year: number }, { requiredKeys: [], noNullPrototype: true })
const typedRecord = fc.record(
  {
    name: text,
    level: number,
    open: fc.boolean(),
    device,
    devices: fc.array(device, { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: [], noNullPrototype: true },
)

function comparisonsOf(texts: readonly string[], numbers: readonly string[]): fc.Arbitrary<Filter> {
  const [textPath, numberPath] = [texts, numbers].map((names) =>
    fc.constantFrom(...names).map((name) => name.split('.')),
  )
  return fc.oneof(
    fc.record({
      op: fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'),
      path: textPath!,
      value: text,
    }),
    fc.record({ op: fc.constantFrom('eq', 'ne', 'gt', 'ge', 'lt', 'le'), path: numberPath!, value: number }),
    fc.record({ op: fc.constant('pr'), path: fc.oneof(textPath!, numberPath!) }),
  ) as fc.Arbitrary<Filter>
}

function combined(leaf: fc.Arbitrary<Filter>): fc.Arbitrary<Filter> {
  const logical = (part: fc.Arbitrary<Filter>) =>
    fc.record({ op: fc.constantFrom('and' as const, 'or' as const), filters: fc.tuple(part, part) })
  const not = leaf.map((filter): Filter => ({ op: 'not', filter }))
  return fc.oneof(leaf, not, logical(fc.oneof(leaf, not)), logical(logical(leaf)))
}

const within = combined(comparisonsOf(['kind'], ['year']))
const typedFilter = combined(
  fc.oneof(
    comparisonsOf(['name', 'NAME', 'device.kind', 'devices.kind'], ['level', 'device.year', 'devices.year']),
    fc.boolean().map((value): Filter => ({ op: 'eq', path: ['open'], value })),
    within.map((filter): Filter => ({ op: 'some', path: ['device'], filter })),
  ),
)

test('the evaluator agrees with scim2-parse-filter where both have one meaning', () => {
  const outcomes = new Set<boolean>()
  fc.assert(
    fc.property(typedFilter, typedRecord, (filter, record) => {
      const question = written(filter)
      const answer = matches(parseFilter(question), record)
      outcomes.add(answer)
      expect([question, answer]).toEqual([question, filterOf(parseByLibrary(question))(record)])
    }),
    { numRuns: 2000 },
  )
  expect(outcomes.size).toBe(2)
})
