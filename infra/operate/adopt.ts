/**
 * `npm run adopt -- -c environment=prod`: imports tables and keys that an earlier deployment left behind into a new data
 * stack. Their content does not change. `npx cdk deploy --all` then creates the rest.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { StraightwayError } from '../../shared/errors.ts'
import type { Config } from '../config.ts'
import { stackNames } from '../preflight/check.ts'
import { type Clients, createClients } from '../preflight/clients.ts'
import { secretsLeft, tablesLeft } from '../preflight/leftovers.ts'
import { createSystem } from '../system.ts'
import { command, say, type Told, told } from './arguments.ts'
import { cdk } from './cdk.ts'

/** Logical id to the identifier of the existing resource, in the format of `cdk import --resource-mapping`. */
export type Mapping = Readonly<Record<string, Readonly<Record<string, string>>>>

interface Named {
  readonly Type: string
  readonly Properties: { readonly TableName?: string; readonly Name?: string }
}

/** The mapping of the data stack, for those of its tables and secrets that exist. */
export async function mappingOf(config: Config, clients: Clients): Promise<Mapping> {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } })
  const template = Template.fromStack(createSystem(app, config).data).toJSON() as {
    readonly Resources: Readonly<Record<string, Named>>
  }
  const [tables, secrets] = await Promise.all([
    tablesLeft({ config, clients }),
    secretsLeft({ config, clients }),
  ])
  type Entry = readonly [string, Readonly<Record<string, string>>]
  const entries = Object.entries(template.Resources).flatMap(([id, { Type, Properties }]): Entry[] => {
    const table = tables.find((name) => name === Properties.TableName)
    const secret = secrets.find(({ name, deleted }) => name === Properties.Name && !deleted)
    if (Type === 'AWS::DynamoDB::GlobalTable' && table) return [[id, { TableName: table }]]
    if (Type === 'AWS::SecretsManager::Secret' && secret) return [[id, { Id: secret.arn }]]
    return []
  })
  return Object.fromEntries(entries)
}

async function adopt({ config, region }: Told): Promise<void> {
  const clients = createClients(region)
  const folder = mkdtempSync(join(tmpdir(), 'straightway-adopt-'))
  try {
    const mapping = await mappingOf(config, clients)
    if (Object.keys(mapping).length === 0)
      throw new StraightwayError('not-found', `Nothing of environment ${config.name} was left in ${region}.`)
    const file = join(folder, 'mapping.json')
    writeFileSync(file, JSON.stringify(mapping))
    const context = ['--context', `environment=${config.name}`]
    await cdk(['import', stackNames(config).data, '--resource-mapping', file, '--force', ...context], region)
    say(`Adopted ${Object.keys(mapping).length}. Next: npx cdk deploy --all -c environment=${config.name}`)
  } finally {
    clients.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) await command(async () => adopt(await told({ flags: [] })))
