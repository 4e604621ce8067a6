/**
 * An operator's work on a system whose tables and keys outlive their stack. The commands of infra/README.md run as processes
 * against the emulator: drill a restore, tear down, adopt and delete what was retained.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { DynamoDBClient, GetItemCommand, ListTablesCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Drilled } from '../../../infra/operate/restore-drill.ts'
import type { Report } from '../../../infra/preflight/preflight.ts'
import { awsEnvironment, connection, createCdk } from '../../../local/cloud/cdk.ts'
import { TABLES } from '../../../shared/store/tables.ts'
import { deployed } from './index-client.ts'
import { stackStatuses } from './inventory.ts'

const { endpoint } = deployed
const DATA = 'straightway-kept-data'
const USERS = 'straightway-kept-Users'
const GRACE = { user: { S: 'user_grace' }, name: { S: 'Grace' } }
const TABLE_NAMES = Object.values(TABLES).map(({ name }) => `straightway-kept-${name}`)
const SECRET_NAMES = ['straightway-kept-ticket-key', 'straightway-kept-fleet-key']

const client = new DynamoDBClient(connection(endpoint))
const cdk = createCdk(endpoint, 'kept')
afterAll(() => {
  client.destroy()
  cdk.close()
})

interface Said {
  readonly out: string
  readonly err: string
  readonly code: number | null
}

async function run(script: string, ...options: string[]): Promise<Said> {
  const command = join(import.meta.dirname, '../../../infra', script)
  const env = { ...process.env, ...awsEnvironment(endpoint), CDK_DISABLE_CLI_TELEMETRY: 'true' }
  const child = spawn(process.execPath, [command, '-c', 'environment=kept', ...options], { env })
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { out, err, code: code as number | null }
}

async function leftBehind(): Promise<string> {
  const { out } = await run('preflight/command.ts', '--json')
  const { findings } = JSON.parse(out) as Report
  return findings
    .filter(({ check }) => check === 'left-behind')
    .map(({ what }) => what)
    .join(' ')
}

async function tables(): Promise<string[]> {
  const { TableNames = [] } = await client.send(new ListTablesCommand({}))
  return TableNames.filter((name) => name.startsWith('straightway-kept-'))
}

async function grace() {
  const get = new GetItemCommand({ TableName: USERS, Key: { user: GRACE.user } })
  return (await client.send(get)).Item
}

beforeAll(async () => {
  await cdk.deploy([DATA])
  await client.send(new PutItemCommand({ TableName: USERS, Item: GRACE }))
})

test('what a stack owns is no leftover', async () => {
  expect(await leftBehind()).toBe('')
})

test('a drill restores every table that must not be lost, compares it with the real one, and leaves no copy', async () => {
  const { out, err, code } = await run('operate/restore-drill.ts', '--json')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  const drilled = JSON.parse(out) as Drilled[]
  const durable = Object.values(TABLES).filter((table) => !('passing' in table && table.passing))
  expect(drilled.map(({ table }) => table)).toEqual(durable.map(({ name }) => `straightway-kept-${name}`))
  expect(drilled.every(({ shape, different }) => shape && different === 0)).toBe(true)
  expect(drilled.find(({ table }) => table === USERS)).toMatchObject({ same: 1 })
  expect((await tables()).sort()).toEqual(TABLE_NAMES.toSorted())
})

test('teardown says what it would remove and what would stay, and removes nothing without --yes', async () => {
  const { out } = await run('operate/teardown.ts')
  expect(out).toContain(`Would remove (--yes does it):\n  ${DATA} (us-east-1)`)
  for (const name of TABLE_NAMES) expect(out).toContain(`--table-name ${name},`)
  expect(await stackStatuses(endpoint)).toContain('CREATE_COMPLETE')
  expect(await grace()).toEqual(GRACE)
})

test('what a stack owns is not deleted as a leftover', async () => {
  const owned = await run('operate/teardown.ts', '--leftovers', '--with-data')
  expect(owned).toMatchObject({ code: 1, err: expect.stringContaining(`${DATA} owns them`) })
  expect(await grace()).toEqual(GRACE)
})

test('teardown removes the stacks; tables and keys stay, each told with what deletes it', async () => {
  const { out, code } = await run('operate/teardown.ts', '--yes')
  expect(code).toBe(0)
  const [, stays = ''] = out.split('Stays:')
  for (const name of TABLE_NAMES) expect(stays).toContain(`AWS::DynamoDB::GlobalTable ${name}\n`)
  expect(stays.match(/AWS::SecretsManager::Secret \S*straightway-kept-(ticket|fleet)-key/g)).toHaveLength(2)
  expect(await grace()).toEqual(GRACE)
  const said = await leftBehind()
  for (const name of [...TABLE_NAMES, ...SECRET_NAMES]) expect(said).toContain(name)
})

test('adopt takes what stayed into a new stack, which the next deployment updates', async () => {
  const { out, code } = await run('operate/adopt.ts')
  expect({ code, out }).toMatchObject({
    code: 0,
    out: expect.stringContaining(`Adopted ${[...TABLE_NAMES, ...SECRET_NAMES].length}.`),
  })
  expect(await leftBehind()).toBe('')
  await cdk.deploy([DATA])
  expect(await stackStatuses(endpoint)).toContain('UPDATE_COMPLETE')
  expect(await grace()).toEqual(GRACE)
  expect((await run('operate/teardown.ts', '--yes')).code).toBe(0)
})

test('leftovers are not deleted while they hold something', async () => {
  const full = await run('operate/teardown.ts', '--leftovers')
  expect(full).toMatchObject({ code: 1, err: expect.stringContaining(`${USERS} is not empty`) })
  expect(await grace()).toEqual(GRACE)
})

test('with --with-data all of it is deleted, and the name is free again', async () => {
  const { out, code } = await run('operate/teardown.ts', '--leftovers', '--with-data')
  expect(code).toBe(0)
  for (const name of [...TABLE_NAMES, ...SECRET_NAMES]) expect(out).toContain(name)
  expect(await tables()).toEqual([])
  expect(await leftBehind()).toBe('')
})
