/** A separate stage in an AWS account: it is deployed, listed, and removed so that nothing stays. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloudFormationClient, DeleteStackCommand } from '@aws-sdk/client-cloudformation'
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { type Config, prefixOf } from '../../infra/config.ts'
import { environment } from '../../infra/environments.ts'
import { cdk } from '../../infra/operate/cdk.ts'
import { stackNames } from '../../infra/preflight/check.ts'
import { createClients } from '../../infra/preflight/clients.ts'
import { secretsLeft, tablesLeft } from '../../infra/preflight/leftovers.ts'
import { stacksOfEnvironment } from '../../infra/preflight/stacks.ts'

export const STAGE: Config = environment('account')
const CONTEXT = ['--context', `environment=${STAGE.name}`]

export interface Outputs {
  readonly index: string
  readonly gateway: string
}

export async function deploy(region: string): Promise<Outputs> {
  const folder = mkdtempSync(join(tmpdir(), 'straightway-account-'))
  const file = join(folder, 'outputs.json')
  try {
    const quietly = ['--require-approval', 'never', '--ci', '--progress', 'events', '--outputs-file', file]
    await cdk(['deploy', '--all', ...quietly, ...CONTEXT], region)
    const outputs = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, string>>
    const { IndexUrl = '', GatewayUrl = '' } = outputs[stackNames(STAGE).api] ?? {}
    return { index: IndexUrl, gateway: GatewayUrl }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export const destroy = (region: string): Promise<void> =>
  cdk(['destroy', '--all', '--force', '--ci', ...CONTEXT], region)

/** Founds the stage and returns the admin key. The stage is new, so nobody has been given the key yet. */
export async function found(region: string): Promise<string> {
  const client = new LambdaClient({ region })
  const invoke = new InvokeCommand({ FunctionName: `${prefixOf(STAGE)}founding` })
  const { Payload } = await client.send(invoke).finally(() => client.destroy())
  return (JSON.parse(Buffer.from(Payload ?? []).toString()) as { readonly adminKey: string }).adminKey
}

/**
 * Checks that CloudFormation accepts every template: creates a change set for each stack, executes none, and removes the
 * empty stacks. Returns their names.
 */
export async function dryRun(region: string): Promise<string[]> {
  try {
    const unexecuted = ['--method', 'prepare-change-set', '--require-approval', 'never', '--ci']
    await cdk(['deploy', '--all', ...unexecuted, ...CONTEXT], region)
    return await stacksIn(region)
  } finally {
    await removeUnexecuted(region)
  }
}

async function removeUnexecuted(region: string): Promise<void> {
  const client = new CloudFormationClient({ region })
  for (const StackName of await stacksIn(region)) await client.send(new DeleteStackCommand({ StackName }))
  client.destroy()
}

async function stacksIn(region: string): Promise<string[]> {
  const client = new CloudFormationClient({ region })
  const stacks = await stacksOfEnvironment(client, STAGE).finally(() => client.destroy())
  return stacks.map(({ StackName = '' }) => StackName).sort()
}

/** Returns the names of the stage's remaining resources: none, after `destroy`. */
export async function left(region: string): Promise<string[]> {
  const clients = createClients(region)
  const logs = new CloudWatchLogsClient({ region })
  try {
    const place = { config: STAGE, clients }
    const [stacks, tables, secrets, groups] = await Promise.all([
      stacksIn(region),
      tablesLeft(place),
      secretsLeft(place),
      logs.send(new DescribeLogGroupsCommand({ logGroupNamePattern: prefixOf(STAGE) })),
    ])
    const groupNames = (groups.logGroups ?? []).map(({ logGroupName = '' }) => logGroupName)
    const secretNames = secrets.filter(({ deleted }) => !deleted).map(({ name }) => name)
    return [...stacks, ...tables, ...secretNames, ...groupNames]
  } finally {
    clients.close()
    logs.destroy()
  }
}
