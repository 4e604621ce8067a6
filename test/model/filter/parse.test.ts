import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StraightwayError } from '../../../shared/errors.ts'
import { LIMITS } from '../../../shared/limits.ts'
import { parseFilter } from '../../../shared/model/filter/parse.ts'
import { arbitraryFilter, written } from './arbitrary.ts'

const a = { op: 'eq', path: ['a'], value: 1 }
const b = { op: 'eq', path: ['b'], value: 2 }
const c = { op: 'eq', path: ['c'], value: 3 }

test('a comparison is a path, an operator and a value', () => {
  expect(parseFilter('metadata.game eq "chess"')).toEqual({
    op: 'eq',
    path: ['metadata', 'game'],
    value: 'chess',
  })
  expect(parseFilter('level GE -1.5e3')).toEqual({ op: 'ge', path: ['level'], value: -1500 })
  expect(parseFilter('open eq true')).toEqual({ op: 'eq', path: ['open'], value: true })
  expect(parseFilter('name sw "\\u00e9\\""')).toEqual({ op: 'sw', path: ['name'], value: 'é"' })
  expect(parseFilter('x pr')).toEqual({ op: 'pr', path: ['x'] })
})

test('and binds tighter than or, not tighter than and, brackets tightest', () => {
  expect(parseFilter('a eq 1 or b eq 2 and c eq 3')).toEqual({
    op: 'or',
    filters: [a, { op: 'and', filters: [b, c] }],
  })
  expect(parseFilter('(a eq 1 or b eq 2) and c eq 3')).toEqual({
    op: 'and',
    filters: [{ op: 'or', filters: [a, b] }, c],
  })
  expect(parseFilter('not (a eq 1) and b eq 2')).toEqual({
    op: 'and',
    filters: [{ op: 'not', filter: a }, b],
  })
  expect(parseFilter('a eq 1 and b eq 2 and c eq 3')).toEqual({ op: 'and', filters: [a, b, c] })
})

test('a value path wants one value to match as a whole', () => {
  expect(parseFilter('emails[a eq 1 and b eq 2]')).toEqual({
    op: 'some',
    path: ['emails'],
    filter: { op: 'and', filters: [a, b] },
  })
})

test('an attribute may be called as an operator is', () => {
  expect(parseFilter('not eq 1 and and pr')).toEqual({
    op: 'and',
    filters: [
      { op: 'eq', path: ['not'], value: 1 },
      { op: 'pr', path: ['and'] },
    ],
  })
})

test.each([
  ['', 'expected an attribute, `not` or `(` at position 0'],
  ['name', 'expected one of eq ne co sw ew gt ge lt le pr at position 4'],
  ['name is "x"', 'expected one of eq ne co sw ew gt ge lt le pr at position 5'],
  ['name eq', 'expected a value: "text", number, true, false or null at position 7'],
  ['name eq bob', 'expected a value: "text", number, true, false or null at position 8'],
  ['name eq "bob', 'expected an attribute, an operator, a bracket, a number or a "text" at position 8'],
  ['name eq "\\x"', 'expected a text with the escapes of JSON at position 8'],
  ['name eq 1e999', 'expected a number within the range of a double at position 8'],
  ['name eq "a" name', 'expected `and`, `or` or the end at position 12'],
  ['(name pr', 'expected `)` at position 8'],
  ['a[b pr)', 'expected `]` at position 6'],
  ['not name pr', 'expected one of eq ne co sw ew gt ge lt le pr at position 4'],
  ['open gt true', 'expected a "text" or a number after `gt` at position 8'],
  ['name co 5', 'expected a "text" after `co` at position 8'],
  ['a..b pr', 'expected an attribute, an operator, a bracket, a number or a "text" at position 1'],
])('%s is refused with what was expected where', (text, message) => {
  expect(() => parseFilter(text)).toThrow(new StraightwayError('bad-request', `filter: ${message}`))
})

test('a filter is bounded in length and in depth', () => {
  const long = `name eq "${'é'.repeat(LIMITS.filterBytes / 2)}"`
  expect(() => parseFilter(long)).toThrow(`longer than ${LIMITS.filterBytes} bytes`)
  const deep = (n: number) => `${'('.repeat(n)}a pr${')'.repeat(n)}`
  expect(parseFilter(deep(16))).toEqual({ op: 'pr', path: ['a'] })
  expect(() => parseFilter(deep(17))).toThrow('no more than 16 brackets within brackets')
})

test('whatever is written from a filter is read back as that filter', () => {
  fc.assert(
    fc.property(arbitraryFilter, (filter) => {
      const text = written(filter)
      fc.pre(text.length < LIMITS.filterBytes)
      expect(parseFilter(text)).toEqual(filter)
    }),
  )
})

test('any text is either a filter or refused as a bad request', () => {
  const words = fc.constantFrom(
    'a',
    'and',
    'or',
    'not',
    'eq',
    'pr',
    '(',
    ')',
    '[',
    ']',
    '"x"',
    '1',
    'true',
    '.',
    '"',
  )
  const texts = fc.oneof(
    fc.string(),
    fc.array(words).map((parts) => parts.join(' ')),
  )
  fc.assert(
    fc.property(texts, (text) => {
      try {
        expect(written(parseFilter(text))).not.toBe('')
      } catch (error) {
        expect(error).toMatchObject({ code: 'bad-request' })
      }
    }),
  )
})
