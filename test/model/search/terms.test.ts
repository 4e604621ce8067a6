import { expect, test } from 'vitest'
import { LIMITS } from '../../../shared/limits.ts'
import { entryOf, idOf, LISTING, pairsOf, searchableMetadata } from '../../../shared/model/search/terms.ts'

test('a record is entered under every declared value, several by each of them, none as none, and always to be listed', () => {
  const record = {
    name: 'Ann',
    tags: ['x', 'y', 'x'],
    at: '1970-01-01T00:00:00Z',
    none: null,
    deep: { open: true },
  }
  expect(pairsOf(record, ['Name', 'tags', 'at', 'none', 'deep.open', 'missing'])).toEqual([
    LISTING,
    { attribute: 'name', value: 'sAnn' },
    { attribute: 'tags', value: 'tsx' },
    { attribute: 'tags', value: 'tsy' },
    { attribute: 'at', value: 's1970-01-01T00:00:00Z' },
    { attribute: 'at', value: 'd8000000000000000' },
    { attribute: 'none', value: 'z' },
    { attribute: 'deep.open', value: 'b1' },
    { attribute: 'missing', value: 'z' },
  ])
})

test('an entry gives its id back, whatever the value is', () => {
  expect(idOf(entryOf('sany text', 'n_x'))).toBe('n_x')
  expect(idOf(entryOf('', 'peer'))).toBe('peer')
})

test('of live metadata the first names are searchable, as many as may be declared', () => {
  const names = Array.from({ length: 20 }, (_, i) => `m${String(i).padStart(2, '0')}`)
  const metadata = Object.fromEntries([...names.map((name) => [name, 1] as const), ['no name#', 2]])
  expect(Object.keys(searchableMetadata(metadata))).toEqual(names.slice(0, LIMITS.searchableAttributes))
})
