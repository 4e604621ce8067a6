/**
 * The stacks as CloudFormation deploys them, in an emulator. These tests see what a template test cannot: that the functions
 * start with their keys, have the rights they need, and are called by their triggers.
 */
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { expect, test } from 'vitest'
import { connection } from '../../../local/cloud/cdk.ts'
import { foundDeployed } from '../../../local/cloud/deployed.ts'
import { TABLES } from '../../../shared/store/tables.ts'
import { ask, deployed } from './index-client.ts'
import { inventory, stackStatuses } from './inventory.ts'

const { endpoint, tablePrefix } = deployed

test('there is something of every kind, the tables with the names that the code uses', async () => {
  const there = await inventory(endpoint, tablePrefix)
  for (const [kind, names] of Object.entries(there)) expect(names, kind).not.toEqual([])
  expect(there.tables).toEqual(
    Object.values(TABLES)
      .map(({ name }) => `${tablePrefix}${name}`)
      .sort(),
  )
})

test('both stacks are complete', async () => {
  const bootstrapDataAndApi = Array(3).fill('CREATE_COMPLETE')
  expect(await stackStatuses(endpoint)).toEqual(bootstrapDataAndApi)
})

test('a table has its stream, with what was and what is', async () => {
  const client = new DynamoDBClient(connection(endpoint))
  const { Table } = await client.send(new DescribeTableCommand({ TableName: `${tablePrefix}Presence` }))
  expect(Table?.StreamSpecification?.StreamViewType).toBe('NEW_AND_OLD_IMAGES')
  client.destroy()
})

test('the admin key was told once', async () => {
  expect(deployed.adminKey).toMatch(/^sw_first_/)
  await expect(foundDeployed(endpoint)).rejects.toThrow('told before')
})

test('INDEX publishes the key of tickets', async () => {
  expect((await ask('GET', '/v1/bootstrap', 200)).ticketKeys).toHaveLength(1)
})

test('a stranger is refused by the function, with problem details', async () => {
  const problem = await ask('GET', '/v1/users', 401, { key: '' })
  expect(problem).toMatchObject({ code: 'unauthenticated', status: 401 })
})
