import { type DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { enter, NO_TERMS, type Terms } from '../../shared/store/index-entries.ts'
import { startTables, type TablesUnderTest } from '../local/tables-under-test.ts'

let tables: TablesUnderTest

beforeAll(async () => {
  tables = await startTables()
})
afterAll(() => tables.close())

const pairs = (...values: string[]) => values.map((value) => ({ attribute: 'level', value }))
const BEFORE: Terms = { scopes: ['*', 'n_a'], pairs: pairs('s1', 's2') }
const AFTER: Terms = { scopes: ['*', 'n_b'], pairs: pairs('s2', 's3') }
const entered = ({ scopes, pairs }: Terms) =>
  scopes.flatMap((scope) => pairs.map(({ value }) => `thing#${scope}#level ${value}`)).sort()

async function entriesOf(id: string): Promise<string[]> {
  const { Items = [] } = await tables.client.send(
    new ScanCommand({ TableName: 'SearchTerms', ConsistentRead: true }),
  )
  return Items.filter(({ term, entry }) => !term.startsWith('=') && entry.endsWith(`\u0001${id}`))
    .map(({ term, entry }) => `${term} ${entry.split('\u0001')[0]}`)
    .sort()
}

/** A client that carries out so many calls and then, like its process, is no more. */
function dying(calls: number): DynamoDBDocumentClient {
  let left = calls
  const send = (command: never) => {
    if (left-- > 0) return tables.client.send(command)
    throw new Error('the process has ended')
  }
  return { send } as unknown as DynamoDBDocumentClient
}

test.each([
  ['changes', AFTER],
  ['goes', NO_TERMS],
])('wherever it is interrupted, repeating enters a record that %s as it is', async (_, wanted) => {
  let interrupted = 0
  for (let calls = 0; ; calls++) {
    const record = { entity: 'thing', id: `${wanted.scopes.length}-${calls}` }
    await enter(tables.client, record, async () => BEFORE)
    expect(await entriesOf(record.id)).toEqual(entered(BEFORE))
    const first = await enter(dying(calls), record, async () => wanted).then(
      () => 'done',
      () => 'interrupted',
    )
    await enter(tables.client, record, async () => wanted)
    expect(await entriesOf(record.id)).toEqual(entered(wanted))
    if (first === 'done') break
    interrupted++
  }
  expect(interrupted).toBeGreaterThan(3)
})

test('of two at work on one record the one that read later prevails', async () => {
  const record = { entity: 'thing', id: 'both' }
  await enter(tables.client, record, async () => BEFORE)
  const reached = Promise.withResolvers<void>()
  const overtaken = Promise.withResolvers<void>()
  let reads = 0
  const slow = enter(tables.client, record, async () => {
    if (reads++ > 0) return AFTER
    reached.resolve()
    await overtaken.promise
    return NO_TERMS
  })
  await reached.promise
  await enter(tables.client, record, async () => AFTER)
  overtaken.resolve()
  await slow
  expect(reads).toBe(2)
  expect(await entriesOf('both')).toEqual(entered(AFTER))
})

test('a record that is as it was costs no write', async () => {
  const record = { entity: 'thing', id: 'same' }
  await enter(tables.client, record, async () => BEFORE)
  let calls = 0
  const counting = {
    send: (command: never) => {
      calls++
      return tables.client.send(command)
    },
  } as unknown as DynamoDBDocumentClient
  await enter(counting, record, async () => BEFORE)
  expect(calls).toBe(1)
})
