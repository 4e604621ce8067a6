/**
 * `npm run preflight -- --json` against the emulator, with each precondition that it serves broken in turn. The others
 * (quotas, billing, instance type offerings, a rolled-back stack) are broken in recorded answers:
 * test/infra/preflight.test.ts.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { CreateTableCommand, DeleteTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { afterAll, expect, test } from 'vitest'
import type { CheckName, Finding } from '../../../infra/preflight/check.ts'
import type { Report } from '../../../infra/preflight/preflight.ts'
import { awsEnvironment, connection } from '../../../local/cloud/cdk.ts'
import { deployed } from './index-client.ts'

const COMMAND = join(import.meta.dirname, '../../../infra/preflight/command.ts')
const here = connection(deployed.endpoint)
const dynamodb = new DynamoDBClient(here)
const secrets = new SecretsManagerClient(here)
afterAll(() => {
  for (const client of [dynamodb, secrets]) client.destroy()
})

async function findings(env: Record<string, string> = {}, environment = 'kept'): Promise<readonly Finding[]> {
  const child = spawn(process.execPath, [COMMAND, '-c', `environment=${environment}`, '--json'], {
    env: { ...process.env, ...awsEnvironment(deployed.endpoint), ...env },
  })
  const [out] = await Promise.all([text(child.stdout), once(child, 'close')])
  return (JSON.parse(out) as Report).findings
}

const of = (found: readonly Finding[], check: CheckName) => found.filter((finding) => finding.check === check)

test('of an account where all is well, nothing that the emulator can say is named', async () => {
  const named = new Set((await findings()).map(({ check }) => check))
  for (const check of ['credentials', 'bootstrap', 'stack-state', 'left-behind'] as const)
    expect(named).not.toContain(check)
})

test('credentials that nobody accepts', async () => {
  const found = await findings({ AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:9' })
  expect(found).toMatchObject([{ check: 'credentials', mend: expect.stringContaining('aws sso login') }])
})

test('a region without a bootstrap', async () => {
  const found = await findings({ AWS_REGION: 'eu-west-1' })
  expect(of(found, 'bootstrap')).toMatchObject([
    { region: 'eu-west-1', mend: 'npx cdk bootstrap aws://000000000000/eu-west-1' },
  ])
})

test('an account without a role for access logs, which the configuration relies on', async () => {
  expect(of(await findings(), 'access-log-role')).toMatchObject([
    {
      level: 'error',
      what: expect.stringContaining('no role to write logs'),
      mend: expect.stringContaining("'make'"),
    },
  ])
})

test('a table that no stack owns', async () => {
  const TableName = 'straightway-kept-Users'
  await dynamodb.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'user', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'user', AttributeType: 'S' }],
    }),
  )
  expect(of(await findings(), 'left-behind')).toMatchObject([
    {
      what: `No stack owns ${TableName}.`,
      mend: expect.stringContaining('npm run adopt -- -c environment=kept'),
    },
  ])
  await dynamodb.send(new DeleteTableCommand({ TableName }))
})

test('a secret that no stack owns, and one that is being deleted', async () => {
  const Name = 'straightway-kept-ticket-key'
  await secrets.send(new CreateSecretCommand({ Name, SecretString: 'x' }))
  expect(of(await findings(), 'left-behind')).toMatchObject([{ what: `No stack owns ${Name}.` }])
  await secrets.send(new DeleteSecretCommand({ SecretId: Name, RecoveryWindowInDays: 7 }))
  expect(of(await findings(), 'left-behind')).toMatchObject([
    { what: `${Name} is being deleted, and its name is taken until then.` },
  ])
  await secrets.send(new DeleteSecretCommand({ SecretId: Name, ForceDeleteWithoutRecovery: true }))
  expect(of(await findings(), 'left-behind')).toEqual([])
})
