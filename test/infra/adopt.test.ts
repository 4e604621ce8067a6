/**
 * `npm run adopt` with recorded answers: which resource of the data stack gets which table or key. No emulator can execute
 * the import.
 */
import { App } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { parseConfig } from '../../infra/config.ts'
import { mappingOf } from '../../infra/operate/adopt.ts'
import { type Clients, createClients } from '../../infra/preflight/clients.ts'
import { createSystem } from '../../infra/system.ts'
import { TABLES } from '../../shared/store/tables.ts'
import { type RecordedAws, refused, startRecorded } from './recorded-aws.ts'

interface Declared {
  readonly Type: string
  readonly Properties: { readonly TableName?: string; readonly Name?: string }
  readonly DeletionPolicy?: string
}

const config = parseConfig({ name: 'prod' })
const ABSENT = refused('ResourceNotFoundException')
const arnOf = (name: string) => `arn:aws:secretsmanager:eu-central-1:111122223333:secret:${name}-AbCdEf`
const named = (body: string) => (JSON.parse(body) as { readonly SecretId: string }).SecretId

let aws: RecordedAws
let clients: Clients
let declared: Readonly<Record<string, Declared>>

beforeAll(async () => {
  aws = await startRecorded({
    DescribeTable: { Table: {} },
    DescribeSecret: (body) => ({ ARN: arnOf(named(body)) }),
  })
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_ACCESS_KEY_ID: 'recorded',
    AWS_SECRET_ACCESS_KEY: 'recorded',
  })
  clients = createClients('eu-central-1')
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } })
  declared = Template.fromStack(createSystem(app, config).data).toJSON().Resources
})
beforeEach(() => aws.breaks({}))
afterAll(async () => {
  clients.close()
  await aws.close()
})

test('every table and key that was left goes to the resource that has its name', async () => {
  const mapping = Object.entries(await mappingOf(config, clients))
  const taken = mapping.map(([id, { TableName, Id }]) => {
    const { Type, Properties } = declared[id]!
    if (Type === 'AWS::DynamoDB::GlobalTable') expect(TableName).toBe(Properties.TableName)
    else expect([Type, Id]).toEqual(['AWS::SecretsManager::Secret', arnOf(Properties.Name!)])
    return Properties.TableName ?? Properties.Name
  })
  const tables = Object.keys(TABLES).map((name) => `straightway-prod-${name}`)
  const keys = ['straightway-prod-fleet-key', 'straightway-prod-ticket-key']
  expect(taken.sort()).toEqual([...tables, ...keys].sort())
})

test('what is taken has a deletion policy, without which CloudFormation imports nothing', async () => {
  for (const id of Object.keys(await mappingOf(config, clients)))
    expect(declared[id]!.DeletionPolicy, id).toMatch(/^Retain/)
})

test('a table that is not there and a key that is being deleted are not taken', async () => {
  aws.breaks({
    DescribeTable: (body) => (body.includes('straightway-prod-Users') ? { Table: {} } : ABSENT),
    DescribeSecret: (body) =>
      named(body).includes('ticket') ? { ARN: arnOf(named(body)), DeletedDate: 1_790_000_000 } : ABSENT,
  })
  expect(Object.values(await mappingOf(config, clients))).toEqual([{ TableName: 'straightway-prod-Users' }])
})

test('nothing is taken in an account where nothing was left', async () => {
  aws.breaks({ DescribeTable: ABSENT, DescribeSecret: ABSENT })
  expect(await mappingOf(config, clients)).toEqual({})
})
