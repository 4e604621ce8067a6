import { GetCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApiKeys } from '../../shared/store/api-keys.ts'
import { startTables, type TablesUnderTest } from '../local/tables-under-test.ts'

let tables: TablesUnderTest

beforeAll(async () => {
  tables = await startTables()
})
afterAll(() => tables.close())

test('a new system has one first key, however many start it', async () => {
  const made = await Promise.all([1, 2, 3].map(() => createApiKeys(tables.client).createFirst(1)))
  const keys = made.filter((key) => key !== undefined)
  expect(keys).toHaveLength(1)
  expect(await createApiKeys(tables.client).authenticate(keys[0]!.token, Date.now())).toEqual({
    key: 'first',
    name: 'first',
    role: 'admin',
    createdAt: 1,
  })
})

test('no second first key is made after the first one was replaced and deleted', async () => {
  const { client } = tables
  await createApiKeys(client).createFirst(1)
  const other = await createApiKeys(client).create({ name: 'other', role: 'admin' }, 2)
  await createApiKeys(client).delete('first', 3)
  expect(await createApiKeys(client).createFirst(3)).toBeUndefined()
  await expect(createApiKeys(client).delete(other.apiKey.key, 3)).rejects.toMatchObject({ code: 'conflict' })
})

test('what is kept of a key does not open anything', async () => {
  const { apiKey, token } = await createApiKeys(tables.client).create({ name: 'ci', role: 'read' }, 1)
  const get = new GetCommand({ TableName: 'ApiKeys', Key: { key: apiKey.key } })
  const { Item = {} } = await tables.client.send(get)
  const secret = token.split('_')[2]!
  expect(JSON.stringify(Item)).not.toContain(secret)
  expect(
    await createApiKeys(tables.client).authenticate(
      `sw_${apiKey.key}_${Item.secretHash.slice(0, 52)}`,
      Date.now(),
    ),
  ).toBeUndefined()
  expect(await createApiKeys(tables.client).authenticate(token, Date.now())).toEqual(apiKey)
})
