/**
 * The stacks as CloudFormation deploys them, in an emulator: what a template test cannot see, that the functions start with
 * their keys, may do what they do, and are called by what should call them.
 */

import { on, once } from 'node:events'
import { DescribeTableCommand, DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connection } from '../../../local/cloud/cdk.ts'
import { type Deployed, deployTo, found, PREFIX } from '../../../local/cloud/deployed.ts'
import { type Emulator, startEmulator } from '../../../local/cloud/emulator.ts'
import { type Nodes, startNodes } from '../../../local/cloud/nodes.ts'
import { type Change, join, type Peer } from '../../../peer/index.ts'
import { TABLES } from '../../../shared/store/tables.ts'

const log = () => {}
let emulator: Emulator
let deployed: Deployed
let nodes: Nodes
let adminKey: string

beforeAll(async () => {
  emulator = await startEmulator(log)
  deployed = await deployTo(emulator.endpoint, log)
  nodes = await startNodes(deployed, log)
})

afterAll(async () => {
  await nodes?.close()
  await deployed?.cdk.destroy()
  expect(await tableNames()).toEqual([])
  deployed?.cdk.close()
  await emulator?.close()
})

test('the tables have the names that the code uses, with their streams', async () => {
  expect(await tableNames()).toEqual(
    Object.values(TABLES)
      .map(({ name }) => `${PREFIX}${name}`)
      .sort(),
  )
  const { Table } = await dynamodb().send(new DescribeTableCommand({ TableName: `${PREFIX}Presence` }))
  expect(Table?.StreamSpecification?.StreamViewType).toBe('NEW_AND_OLD_IMAGES')
})

test('the admin key is told once', async () => {
  adminKey = await found(emulator.endpoint)
  expect(adminKey).toMatch(/^sw_first_/)
  await expect(found(emulator.endpoint)).rejects.toThrow('told before')
})

test('INDEX publishes the key of tickets, and the nodes that registered', async () => {
  const { ticketKeys, nodes: listed } = await ask('GET', '/v1/bootstrap', 200)
  expect(ticketKeys).toHaveLength(1)
  const names = (listed as { node: string }[]).map(({ node }) => node).sort()
  expect(names).toEqual(nodes.ready.map(({ node }) => node).sort())
})

test('a stranger is refused by the function, with problem details', async () => {
  const problem = await ask('GET', '/v1/users', 401, { key: '' })
  expect(problem).toMatchObject({ code: 'unauthenticated', status: 401 })
})

test('users and networks are made, read, changed and deleted', async () => {
  const user = await ask('POST', '/v1/users', 201, { body: { name: 'Ada' } })
  expect(await ask('GET', `/v1/users/${user.user}`, 200)).toMatchObject({ name: 'Ada' })
  const network = await ask('POST', '/v1/networks', 201, { body: { name: 'Chess' } })
  await ask('PUT', `/v1/networks/${network.network}/members/${user.user}`, 200, { body: { role: 'member' } })
  const { items } = await ask('GET', `/v1/networks/${network.network}/members`, 200)
  expect(items).toMatchObject([{ user: user.user, role: 'member' }])
  await ask('DELETE', `/v1/users/${user.user}`, 204)
  await ask('GET', `/v1/users/${user.user}`, 404)
})

test('two peers enrol with an invite, sign in at the nodes, and one gets the message of the other', async () => {
  const [alice, bob] = await friends('Second')
  const [, [message]] = await Promise.all([alice.send(bob.peer, 'hello'), once(bob, 'message')])
  expect(Buffer.from(message.body).toString()).toBe('hello')
  await Promise.all([alice.close(), bob.close()])
})

test('a change over REST reaches a peer: stream, function, WebSocket API, node', async () => {
  const [alice, bob, network] = await friends('Third')
  const heard = metadataChange(bob)
  await ask('PATCH', `/v1/networks/${network}`, 200, { body: { name: 'Renamed' } })
  expect(await heard).toMatchObject({ entity: 'network', id: network })
  await Promise.all([alice.close(), bob.close()])
})

test('an update of the stacks keeps what is in the tables', async () => {
  const { user } = await ask('POST', '/v1/users', 201, { body: { name: 'Grace' } })
  await deployed.cdk.deploy()
  expect(await ask('GET', `/v1/users/${user}`, 200)).toMatchObject({ name: 'Grace' })
})

/** Two peers of a new network. */
async function friends(name: string): Promise<[Peer, Peer, string]> {
  const { network } = await ask('POST', '/v1/networks', 201, { body: { name } })
  const made = await ask('POST', `/v1/networks/${network}/invites`, 201, {
    body: { role: 'member', uses: 2 },
  })
  const options = { index: deployed.index, invite: String(made.code) }
  return [await join(options), await join(options), String(network)]
}

/** The next one that is no membership: friends have just made some. */
async function metadataChange(peer: Peer): Promise<Change> {
  for await (const [change] of on(peer, 'change') as AsyncIterable<[Change]>)
    if (change.kind === 'metadata') return change
  throw new Error('the peer was closed')
}

interface Ask {
  readonly key?: string
  readonly body?: unknown
}

async function ask(method: string, path: string, status: number, { key = adminKey, body }: Ask = {}) {
  const response = await fetch(`${deployed.index}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  expect(`${response.status} ${text}`).toMatch(new RegExp(`^${status}`))
  return JSON.parse(text || '{}') as Record<string, unknown>
}

const dynamodb = () => new DynamoDBClient(connection(emulator.endpoint))

async function tableNames(): Promise<string[]> {
  const { TableNames = [] } = await dynamodb().send(new ListTablesCommand({}))
  return TableNames.filter((name) => name.startsWith(PREFIX)).sort()
}
