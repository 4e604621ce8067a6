import { GetCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  authenticateApiKey,
  createApiKey,
  createFirstApiKey,
  deleteApiKey,
} from '../../shared/store/api-keys.ts'
import { startTables, type TablesUnderTest } from '../local/tables-under-test.ts'

let tables: TablesUnderTest

beforeAll(async () => {
  tables = await startTables()
})
afterAll(() => tables.close())

test('a new system has one first key, however many start it', async () => {
  const made = await Promise.all([1, 2, 3].map(() => createFirstApiKey(tables.client, 1)))
  const keys = made.filter((key) => key !== undefined)
  expect(keys).toHaveLength(1)
  expect(await authenticateApiKey(tables.client, keys[0]!.token)).toEqual({
    key: 'first',
    name: 'first',
    role: 'admin',
    createdAt: 1,
  })
})

test('no second first key is made after the first one was replaced and deleted', async () => {
  const { client } = tables
  await createFirstApiKey(client, 1)
  const other = await createApiKey(client, { name: 'other', role: 'admin' }, 2)
  await deleteApiKey(client, 'first')
  expect(await createFirstApiKey(client, 3)).toBeUndefined()
  await expect(deleteApiKey(client, other.apiKey.key)).rejects.toMatchObject({ code: 'conflict' })
})

test('what is kept of a key does not open anything', async () => {
  const { apiKey, token } = await createApiKey(tables.client, { name: 'ci', role: 'read' }, 1)
  const get = new GetCommand({ TableName: 'ApiKeys', Key: { key: apiKey.key } })
  const { Item = {} } = await tables.client.send(get)
  const secret = token.split('_')[2]!
  expect(JSON.stringify(Item)).not.toContain(secret)
  expect(
    await authenticateApiKey(tables.client, `sw_${apiKey.key}_${Item.secretHash.slice(0, 52)}`),
  ).toBeUndefined()
  expect(await authenticateApiKey(tables.client, token)).toEqual(apiKey)
})
