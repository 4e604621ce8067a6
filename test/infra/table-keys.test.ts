/**
 * The keys of a table cannot be changed: CloudFormation would create another table, and refuses even that for a physical
 * name. table-keys.json lists what is deployed somewhere. A table or an index may be added to it, but never changed.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { TABLES, type Table } from '../../shared/store/tables.ts'

interface Keys {
  readonly partition: string
  readonly sort?: string
}
type Description = Keys & { readonly indexes?: Readonly<Record<string, Keys>>; readonly stream?: boolean }

const file = join(import.meta.dirname, 'table-keys.json')
const deployed = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Description>

/** Lists the changes that would replace a table or orphan its stream mappings. */
function breaches(before: Record<string, Description>, after: Record<string, Description>): string[] {
  return Object.entries(before).flatMap(([name, old]) => {
    const now = after[name]
    if (now === undefined) return [`${name} is gone`]
    const keys = now.partition === old.partition && now.sort === old.sort ? [] : [`${name}: its key changed`]
    const stream = old.stream && !now.stream ? [`${name}: its stream is gone`] : []
    const indexes = Object.entries(old.indexes ?? {})
      .filter(([index, was]) => JSON.stringify(now.indexes?.[index]) !== JSON.stringify(was))
      .map(([index]) => `${name}: index ${index} changed`)
    return [...keys, ...stream, ...indexes]
  })
}

function described(tables: Record<string, Table>): Record<string, Description> {
  return Object.fromEntries(Object.values(tables).map((table) => [table.name, descriptionOf(table)]))
}

function descriptionOf({ partition, sort, indexes, stream }: Table): Description {
  const keyed = (indexes ?? []).map((index) => [
    index.name,
    { partition: index.partition, ...(index.sort && { sort: index.sort }) },
  ])
  return {
    partition,
    ...(sort && { sort }),
    ...(keyed.length > 0 && { indexes: Object.fromEntries(keyed) }),
    ...(stream && { stream: true }),
  }
}

test('no key, index or stream of a deployed table has changed', () => {
  expect(breaches(deployed, described(TABLES))).toEqual([])
})

test('every table is written down, so that it is guarded from now on', () => {
  expect(described(TABLES)).toEqual(deployed)
})

test('a change of a key, an index or a stream is refused, a new index is not', () => {
  const table: Table = {
    name: 'Peers',
    partition: 'peer',
    stream: 'index',
    indexes: [{ name: 'byUser', partition: 'user' }],
  }
  const before = described({ Peers: table })
  expect(breaches(before, described({ Peers: { ...table, sort: 'user' } }))).toEqual([
    'Peers: its key changed',
  ])
  expect(breaches(before, described({ Peers: { ...table, indexes: [] } }))).toEqual([
    'Peers: index byUser changed',
  ])
  const { stream: _, ...without } = table
  expect(breaches(before, described({ Peers: without }))).toEqual(['Peers: its stream is gone'])
  expect(breaches(before, {})).toEqual(['Peers is gone'])
  const more = { ...table, indexes: [...table.indexes!, { name: 'byName', partition: 'name' }] }
  expect(breaches(before, described({ Peers: more }))).toEqual([])
})
