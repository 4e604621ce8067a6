import { type DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Entered, enter, NOT_ENTERED } from '../../shared/store/index-entries.ts'
import { startTables, type TablesUnderTest } from '../local/tables-under-test.ts'

let tables: TablesUnderTest

beforeAll(async () => {
  tables = await startTables()
})
afterAll(() => tables.close())

const pairs = (...values: string[]) => values.map((value) => ({ attribute: 'level', value }))
const carried = { card: '{}', units: 1 }
const BEFORE: Entered = { scopes: ['*', 'n_a'], pairs: pairs('s1', 's2'), ...carried }
const AFTER: Entered = { scopes: ['*', 'n_b'], pairs: pairs('s2', 's3'), ...carried }
const entered = ({ scopes, pairs }: Entered) =>
  scopes.flatMap((scope) => pairs.map(({ value }) => `thing#${scope}#level ${value}`)).sort()

async function entriesOf(id: string): Promise<string[]> {
  const { Items = [] } = await tables.client.send(
    new ScanCommand({ TableName: 'SearchTerms', ConsistentRead: true }),
  )
  return Items.filter(({ term, entry }) => !term.startsWith('=') && entry.endsWith(`\u0001${id}`))
    .filter(({ until }) => until === undefined)
    .map(({ term, entry }) => `${term} ${entry.split('\u0001')[0]}`)
    .sort()
}

/** Returns a client that carries out this many calls and then fails for good, like a dead process. */
function dying(calls: number): DynamoDBDocumentClient {
  let left = calls
  const send = (command: never) => {
    if (left-- > 0) return tables.client.send(command)
    throw new Error('the process has ended')
  }
  return { send } as unknown as DynamoDBDocumentClient
}

/** More entries than fit into one transaction. */
const MANY_BEFORE: Entered = { ...BEFORE, pairs: pairs(...Array.from({ length: 60 }, (_, i) => `s${i}`)) }
const MANY_AFTER: Entered = { ...AFTER, pairs: pairs(...Array.from({ length: 60 }, (_, i) => `s${i + 30}`)) }

test.each([
  ['changes', BEFORE, AFTER, 2],
  ['goes', BEFORE, NOT_ENTERED, 2],
  ['changes much', MANY_BEFORE, MANY_AFTER, 5],
  ['with much goes', MANY_BEFORE, NOT_ENTERED, 5],
])('wherever it is interrupted, repeating enters a record that %s as it is', async (_, before, wanted, calls) => {
  for (let made = 0; ; made++) {
    const record = { entity: 'thing', id: `${wanted.scopes.length}-${wanted.pairs.length}-${made}` }
    await enter(tables.client, record, async () => before)
    expect(await entriesOf(record.id)).toEqual(entered(before))
    const first = await enter(dying(made), record, async () => wanted).then(
      () => 'done',
      () => 'interrupted',
    )
    await enter(tables.client, record, async () => wanted)
    expect(await entriesOf(record.id)).toEqual(entered(wanted))
    if (first === 'interrupted') continue
    expect(made).toBe(calls)
    break
  }
})

test('a change that another overtakes half way leaves nothing behind', async () => {
  for (let made = 1; made < 5; made++) {
    const record = { entity: 'thing', id: `overtaken-${made}` }
    await enter(tables.client, record, async () => MANY_BEFORE)
    await expect(enter(dying(made), record, async () => MANY_AFTER)).rejects.toThrow()
    await enter(tables.client, record, async () => BEFORE)
    expect(await entriesOf(record.id)).toEqual(entered(BEFORE))
  }
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
    return NOT_ENTERED
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
