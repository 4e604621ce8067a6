/**
 * `npm run teardown -- -c environment=dev --yes`: removes the stacks of an environment. It lists the resources that stay,
 * each with the command that deletes it. Without `--yes` it only prints what it would do.
 *
 * `--leftovers` deletes tables and keys that stayed. The tables must be empty, unless `--with-data` is given.
 */
import { CloudFormationClient } from '@aws-sdk/client-cloudformation'
import { DeleteTableCommand, ScanCommand, UpdateTableCommand } from '@aws-sdk/client-dynamodb'
import { DeleteSecretCommand } from '@aws-sdk/client-secrets-manager'
import { StraightwayError } from '../../shared/errors.ts'
import { type Config, placesOf } from '../config.ts'
import { stackNames } from '../preflight/check.ts'
import { type Clients, createClients } from '../preflight/clients.ts'
import { secretsLeft, tablesLeft } from '../preflight/leftovers.ts'
import { stacksOfEnvironment } from '../preflight/stacks.ts'
import { command, say, type Told, told } from './arguments.ts'
import { cdk } from './cdk.ts'
import { type Kept, keptBy } from './kept.ts'

interface Standing {
  readonly stack: string
  readonly region: string
}

async function stacksOf({ config, region }: Pick<Told, 'config' | 'region'>): Promise<Standing[]> {
  const { second } = placesOf(config)
  const found = [region, ...(second ? [second] : [])].map(async (place) => {
    const client = new CloudFormationClient({ region: place })
    const own = await stacksOfEnvironment(client, config).finally(() => client.destroy())
    return own.map(({ StackName = '' }) => ({ stack: StackName, region: place }))
  })
  return (await Promise.all(found)).flat()
}

async function keptByAll(stacks: readonly Standing[]): Promise<Kept[]> {
  const kept = stacks.map(async ({ stack, region }) => {
    const client = new CloudFormationClient({ region })
    const found = await keptBy(client, stack, region)
    client.destroy()
    return found
  })
  return (await Promise.all(kept)).flat()
}

export async function teardown(asked: Told): Promise<void> {
  const stacks = await stacksOf(asked)
  const kept = await keptByAll(stacks)
  const sure = asked.flags.has('yes')
  say(sure ? 'Removes:' : 'Would remove (--yes does it):')
  for (const { stack, region } of stacks) say(`  ${stack} (${region})`)
  if (sure && stacks.length > 0)
    await cdk(['destroy', '--all', '--force', '--context', `environment=${asked.config.name}`], asked.region)
  say(kept.length === 0 ? 'Nothing stays.' : 'Stays:')
  for (const { type, physicalId, remove } of kept) say(`  ${type} ${physicalId}\n    ${remove}`)
}

/**
 * Deletes tables and keys that no stack owns, and returns their names. Errors: `conflict` if the data stack still exists, or
 * if a table is not empty and `withData` is not set.
 */
export async function removeLeftovers(
  config: Config,
  clients: Clients,
  withData: boolean,
): Promise<string[]> {
  const { data } = stackNames(config)
  if ((await stacksOfEnvironment(clients.cloudFormation, config)).some(({ StackName }) => StackName === data))
    throw new StraightwayError(
      'conflict',
      `${data} owns them: npm run teardown -- -c environment=${config.name} --yes`,
    )
  const tables = await tablesLeft({ config, clients })
  for (const TableName of withData ? [] : tables) {
    const { Items = [] } = await clients.dynamodb.send(new ScanCommand({ TableName, Limit: 1 }))
    if (Items.length > 0)
      throw new StraightwayError(
        'conflict',
        `${TableName} is not empty: --with-data deletes it all the same.`,
      )
  }
  for (const TableName of tables) {
    await clients.dynamodb.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false }))
    await clients.dynamodb.send(new DeleteTableCommand({ TableName }))
  }
  const secrets = await secretsLeft({ config, clients })
  for (const { arn } of secrets)
    await clients.secrets.send(new DeleteSecretCommand({ SecretId: arn, ForceDeleteWithoutRecovery: true }))
  return [...tables, ...secrets.map(({ name }) => name)]
}

if (import.meta.main)
  await command(async () => {
    const asked = await told({ flags: ['yes', 'leftovers', 'with-data'] })
    if (!asked.flags.has('leftovers')) return teardown(asked)
    const clients = createClients(asked.region)
    const removed = await removeLeftovers(asked.config, clients, asked.flags.has('with-data')).finally(() =>
      clients.close(),
    )
    say(removed.length === 0 ? 'There was nothing left.' : `Deleted ${removed.join(', ')}`)
  })
