import { expect, test } from 'vitest'
import {
  advanced,
  NO_HISTORY,
  parsedHistory,
  placeOf,
  writtenHistory,
} from '../../../shared/model/search/history.ts'

const entered = (...values: string[]) => ({
  scopes: ['*'],
  pairs: values.map((value) => ({ attribute: 'level', value })),
})
const reach = (beganAt: number) => ({
  ...{ blocks: [[], ['*']], ranges: [{ attribute: 'level', from: 's', to: 's\u{10ffff}' }] },
  ...{ descending: false, beganAt },
})

test('a history is read as it was written, quotes and backslashes at the end of values too', () => {
  for (const last of ['s\\', 's"', 's\\', 's"']) {
    const history = advanced(NO_HISTORY, entered('sé', last), 5)
    expect(parsedHistory(writtenHistory(history))).toEqual(history)
  }
})

test('a record that moves during a search keeps the place it had before', () => {
  const first = advanced(NO_HISTORY, entered('s5'), 1_000)
  const moved = advanced(first, entered('s3'), 50_000)
  const place = (value: string) => ({ block: 1, range: 0, entry: `${value}\u0001id` })
  expect(placeOf(moved, 'id', reach(49_000))).toMatchObject(place('s5'))
  expect(placeOf(moved, 'id', reach(60_000))).toMatchObject(place('s3'))
})

test('a record that comes into reach has its place where it came first, unless the search had begun', () => {
  const outside = advanced(NO_HISTORY, entered('n1'), 1_000)
  const inside = advanced(advanced(outside, entered('s7'), 50_000), entered('s2'), 51_000)
  expect(placeOf(inside, 'id', reach(52_000))).toMatchObject({ entry: 's7\u0001id' })
  expect(placeOf(inside, 'id', reach(49_999))).toBeUndefined()
})

test('a record that comes back to a scope with another value has no place with the one before', () => {
  const there = advanced(NO_HISTORY, entered('s3'), 1_000)
  const gone = advanced(there, { ...entered('s3'), scopes: ['n_other'] }, 50_000)
  const back = advanced(gone, entered('s7'), 60_000)
  expect(placeOf(back, 'id', reach(65_000))).toMatchObject({ entry: 's7\u0001id' })
  expect(placeOf(back, 'id', reach(59_000))).toMatchObject({ entry: 's3\u0001id' })
})

test('a place that was left long ago is forgotten', () => {
  const left = advanced(advanced(NO_HISTORY, entered('s5'), 1_000), entered('s3'), 2_000)
  expect(Object.keys(advanced(left, entered('s3'), 3_600_000).values.level!)).toEqual(['s3'])
})
