/** A release deployed over a system that contains data. */
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { expect, test } from 'vitest'
import { connection, createCdk } from '../../../local/cloud/cdk.ts'
import { ENVIRONMENT } from '../../../local/cloud/names.ts'
import { ask, deployed } from './index-client.ts'
import { inventory, stackStatuses } from './inventory.ts'

const { endpoint, tablePrefix } = deployed

test('an update of the stacks keeps what is in the tables, and their keys', async () => {
  const { user } = await ask('POST', '/v1/users', 201, { body: { name: 'Grace' } })
  const { ticketKeys } = await ask('GET', '/v1/bootstrap', 200)
  const before = await usersTable()
  const resources = await inventory(endpoint, tablePrefix)
  const later = createCdk(endpoint, ENVIRONMENT, { app: 'node test/infra/emulator/later-app.ts' })
  await later.deploy()
  later.close()
  const after = await usersTable()
  const statuses = await stackStatuses(endpoint)
  expect(statuses.filter((status) => status === 'UPDATE_COMPLETE')).toHaveLength(2)
  expect(after?.TableId).toBe(before?.TableId)
  expect(after?.LatestStreamArn).toBe(before?.LatestStreamArn)
  expect(after?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName)).toEqual(['byName'])
  expect(await inventory(endpoint, tablePrefix)).toEqual(resources)
  expect(await ask('GET', `/v1/users/${user}`, 200)).toMatchObject({ name: 'Grace' })
  expect((await ask('GET', '/v1/bootstrap', 200)).ticketKeys).toEqual(ticketKeys)
})

async function usersTable() {
  const client = new DynamoDBClient(connection(endpoint))
  const { Table } = await client.send(new DescribeTableCommand({ TableName: `${tablePrefix}Users` }))
  client.destroy()
  return Table
}
