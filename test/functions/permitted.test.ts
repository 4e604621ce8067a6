/** A role is limited to its description, and operations that few requests reach stay within it too. */
import { GetCommand, PutCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { NODE_TABLES } from '../../infra/functions.ts'
import { createApiKeys } from '../../shared/store/api-keys.ts'
import { createFleet } from '../../shared/store/fleet.ts'
import { createTraversalHistory } from '../../shared/store/traversal-history.ts'
import { startTables, type TablesUnderTest } from '../local/tables-under-test.ts'
import { asFunction, permitted } from './permitted.ts'

let tables: TablesUnderTest

beforeAll(async () => {
  tables = await startTables()
})
afterAll(() => tables.close())

const refused = { name: 'AccessDeniedException' }

test('a function is refused a table that its description does not name', async () => {
  const client = asFunction(tables.client, 'fleetMetrics')
  const read = new GetCommand({ TableName: 'Users', Key: { user: 'u_1' } })
  await expect(client.send(read)).rejects.toMatchObject(refused)
})

test('a function that only reads a table is refused to write it, also in a transaction', async () => {
  const client = asFunction(tables.client, 'fleetMetrics')
  const Put = { TableName: 'Fleet', Item: { node: 'node_1' } }
  await expect(client.send(new PutCommand(Put))).rejects.toMatchObject(refused)
  await expect(client.send(new TransactWriteCommand({ TransactItems: [{ Put }] }))).rejects.toMatchObject(
    refused,
  )
  expect(await createFleet(client).alive(0)).toEqual([])
})

test('the founding makes the first key as its role lets it', async () => {
  const made = await createApiKeys(asFunction(tables.client, 'founding')).createFirst(1)
  expect(await createApiKeys(tables.client).authenticate(made!.token, Date.now())).toMatchObject({
    role: 'admin',
  })
})

test('a node keeps what worked between two networks as its role lets it', async () => {
  const history = createTraversalHistory(permitted(tables.client, NODE_TABLES))
  await history.remember('a b', 'punch', 1)
  expect(await history.recall('a b')).toBe('punch')
})
