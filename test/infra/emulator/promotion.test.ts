/**
 * The promotion of a second region, by the steps of infra/README.md: new stacks adopt tables and keys that no stack owns.
 * The emulator does not replicate. So a data stack with `retain` is destroyed, and what it leaves stands for the replicas.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { DeleteTableCommand, DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { awsEnvironment, connection, createCdk, type Outputs } from '../../../local/cloud/cdk.ts'
import { playDemo } from '../../../local/cloud/demo.ts'
import { startNodes } from '../../../local/cloud/nodes.ts'
import { createApiKeys } from '../../../shared/store/api-keys.ts'
import { createClient } from '../../../shared/store/client.ts'
import { TABLES, type Table } from '../../../shared/store/tables.ts'
import { createUsers } from '../../../shared/store/users.ts'
import { deployed } from './index-client.ts'
import { TAKES_OVER as region } from './promoted-regions.ts'

const { endpoint } = deployed
const PREFIX = 'straightway-kept-'
const [DATA, API] = [`${PREFIX}data`, `${PREFIX}api`]
const ALL = Object.values(TABLES) as Table[]
const REPLICATED = ALL.filter(({ passing }) => !passing)

const dynamodb = new DynamoDBClient(connection(endpoint, region))
afterAll(() => dynamodb.destroy())

/** The admin key and a user, made before the home region was lost. */
let before: { readonly key: string; readonly user: string }
let index: string
let gateway: string

const describe = async ({ name }: Table) =>
  (await dynamodb.send(new DescribeTableCommand({ TableName: `${PREFIX}${name}` }))).Table

async function write(): Promise<typeof before> {
  process.env.STRAIGHTWAY_TABLE_PREFIX = PREFIX
  const client = createClient({ endpoint, region })
  const { token: key } = await createApiKeys(client).create({ name: 'before', role: 'admin' }, Date.now())
  const { user } = await createUsers(client).create({ name: 'Grace' }, Date.now())
  client.destroy()
  return { key, user }
}

/** Leaves what a second region has when its home is lost: replicas of tables and keys, and no table that is written again. */
async function loseHome(): Promise<void> {
  const command = join(import.meta.dirname, '../../../infra/operate/teardown.ts')
  const env = { ...process.env, ...awsEnvironment(endpoint, region) }
  const child = spawn(process.execPath, [command, '-c', 'environment=kept', '--yes'], {
    env,
    stdio: 'ignore',
  })
  expect(await once(child, 'exit')).toEqual([0, null])
  for (const { name } of ALL.filter(({ passing }) => passing))
    await dynamodb.send(new DeleteTableCommand({ TableName: `${PREFIX}${name}` }))
}

async function promote(): Promise<Outputs> {
  const tables = await Promise.all(REPLICATED.filter(({ stream }) => stream).map(describe))
  process.env.STREAMS = tables.map((table) => table?.LatestStreamArn).join()
  const cdk = createCdk(endpoint, 'kept', { app: 'node test/infra/emulator/promoted-app.ts', region })
  try {
    return await cdk.deploy([DATA, API])
  } finally {
    cdk.close()
  }
}

async function ask(method: string, path: string, body?: object) {
  const response = await fetch(`${index}${path}`, {
    method,
    headers: { authorization: `Bearer ${before.key}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

beforeAll(async () => {
  const cdk = createCdk(endpoint, 'kept', { region })
  await cdk.bootstrap()
  await cdk.deploy([DATA])
  cdk.close()
  before = await write()
  await loseHome()
  const outputs = (await promote())[API]
  index = outputs?.IndexUrl ?? ''
  gateway = outputs?.GatewayUrl ?? ''
}, 600_000)

test('the replicas are used as they were, and the tables that had none are made', async () => {
  const tables = await Promise.all(ALL.map(describe))
  expect(tables.every((table) => table?.TableStatus === 'ACTIVE')).toBe(true)
  const { status, body } = await ask('GET', `/v1/users/${before.user}`)
  expect({ status, name: body.name }).toEqual({ status: 200, name: 'Grace' })
})

test('writes of the new home reach the search index by the streams of the replicas', async () => {
  await ask('POST', '/v1/networks', { name: 'after' })
  await vi.waitFor(
    async () => {
      const { body } = await ask('GET', `/v1/networks?filter=${encodeURIComponent('name eq "after"')}`)
      expect(body.items).toHaveLength(1)
    },
    { timeout: 60_000, interval: 500 },
  )
})

test('peers sign in, talk and open tunnels there, with keys that were replicated', async () => {
  const nodes = await startNodes({ endpoint, index, gateway, region, prefix: PREFIX }, () => {})
  const report = await playDemo({ index }, before.key)
  await nodes.close()
  expect(report).toMatchObject({ ok: true })
})
