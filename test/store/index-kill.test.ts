/** The stream function is killed again and again while the index follows thousands of changes. */
import { DeleteCommand, type DynamoDBDocumentClient, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { marshall } from '@aws-sdk/util-dynamodb'
import type { DynamoDBRecord } from 'aws-lambda'
import { afterAll, expect, test } from 'vitest'
import { indexChanges } from '../../functions/streams/index.ts'
import type { UserId } from '../../shared/ids.ts'
import { putCollection } from '../../shared/store/collections.ts'
import { indexCollection, indexRecord } from '../../shared/store/indexing.ts'
import { objectKeyOf } from '../../shared/store/objects.ts'
import { forEach } from '../../shared/store/pages.ts'
import { startTables } from '../local/tables-under-test.ts'
import { Dice } from './oracle/dice.ts'
import { attributes, DECLARED } from './oracle/values.ts'

const tables = await startTables()
afterAll(() => tables.close())

const CHANGES = Number(process.env.KILL_CHANGES ?? 10_000)
const dice = new Dice(7)
const collection = 'killed'
const OWNER = 'u_aaaaaaaaaaaaaaaa' as UserId
const KILLED = new Error('the function was killed')
const passes = new Set(['GetCommand', 'QueryCommand', 'BatchGetCommand'])

/** Carries out calls until it dies: the last write may have been made, or not. */
function mortal(calls: number): DynamoDBDocumentClient {
  let left = calls
  const send = async (command: { constructor: { name: string } }) => {
    if (left < 0) throw KILLED
    if (left-- > 0 || passes.has(command.constructor.name)) return tables.client.send(command as never)
    if (dice.below(2) === 0) await tables.client.send(command as never)
    throw KILLED
  }
  return { send } as unknown as DynamoDBDocumentClient
}

async function change(id: string): Promise<DynamoDBRecord> {
  const Key = { collection, id }
  const value = attributes(dice)
  const Item = {
    ...Key,
    network: OWNER,
    owner: OWNER,
    value,
    createdAt: 1,
    updatedAt: 1,
    version: dice.below(1e9),
  }
  if (dice.below(8) === 0) await tables.client.send(new DeleteCommand({ TableName: 'Objects', Key }))
  else await tables.client.send(new PutCommand({ TableName: 'Objects', Item }))
  const dynamodb = { Keys: marshall(Key), SequenceNumber: `${dice.below(1e9)}` } as DynamoDBRecord['dynamodb']
  return { eventSourceARN: 'arn:aws:dynamodb:a:b:table/Objects/stream/1', ...(dynamodb && { dynamodb }) }
}

/** Where records are, without when they came there. */
async function entries(): Promise<string[]> {
  const found: string[] = []
  let from: Record<string, unknown> | undefined
  do {
    const scan = new ScanCommand({ TableName: 'SearchTerms', ExclusiveStartKey: from })
    const { Items = [], LastEvaluatedKey } = await tables.client.send(scan)
    for (const { term, entry, until, card, units } of Items)
      if (!term.startsWith('=') && until === undefined) found.push(JSON.stringify([term, entry, card, units]))
    from = LastEvaluatedKey
  } while (from !== undefined)
  return found.sort()
}

async function forget(): Promise<void> {
  const { Items = [], LastEvaluatedKey } = await tables.client.send(
    new ScanCommand({ TableName: 'SearchTerms' }),
  )
  await forEach(Items, ({ term, entry }) =>
    tables.client.send(new DeleteCommand({ TableName: 'SearchTerms', Key: { term, entry } })),
  )
  if (LastEvaluatedKey !== undefined) await forget()
}

test('killed at random points it leaves the index equal to a rebuild', async () => {
  const log = console.error
  console.error = () => {}
  const searchable = DECLARED.map((path) => `value.${path}`)
  await putCollection(tables.client, { collection, searchable, editable: 'owner' }, { now: 1 })
  await indexCollection(tables.client, collection)
  const ids = Array.from({ length: 200 }, (_, i) => objectKeyOf(OWNER, `k${i}`))
  let kills = 0
  for (let made = 0; made < CHANGES; made += 50) {
    const records = await Promise.all(Array.from({ length: 50 }, () => change(dice.of(ids))))
    let left: readonly DynamoDBRecord[] = records
    while (left.length > 0) {
      const failures = await indexChanges(left, mortal(dice.of([0, 3, 7, 20, 50, 90, 1e9])))
      const failed = new Set(failures.map(({ itemIdentifier }) => itemIdentifier))
      const first = left.findIndex(({ dynamodb }) => failed.has(dynamodb?.SequenceNumber ?? ''))
      if (first >= 0) kills++
      left = first < 0 ? [] : left.slice(first)
    }
  }
  console.error = log
  const followed = await entries()
  await forget()
  await forEach(ids, (id) => indexRecord(tables.client, { entity: 'object', collection }, id))
  expect(followed).toEqual(await entries())
  expect(followed.length).toBeGreaterThan(1_000)
  expect(kills).toBeGreaterThan(CHANGES / 200)
}, 900_000)
