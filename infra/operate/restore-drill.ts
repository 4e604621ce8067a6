/**
 * `npm run restore-drill -- -c environment=prod`: proves that a restore works, and measures how long it takes. For every
 * table that must not be lost, it restores a copy from the latest point in time, compares keys, indexes and a sample of
 * items, and deletes the copy. It costs one read of the sample, and the storage of the copies while they exist. `--keep`
 * keeps the copies.
 */

import { isDeepStrictEqual } from 'node:util'
import {
  type AttributeValue,
  DeleteTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  type KeySchemaElement,
  RestoreTableToPointInTimeCommand,
  ScanCommand,
  type TableDescription,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb'
import { TABLES, type Table } from '../../shared/store/tables.ts'
import { type Config, prefixOf } from '../config.ts'
import { createClients } from '../preflight/clients.ts'
import { command, say, told } from './arguments.ts'

/** Number of items per table that are compared. */
const SAMPLE = 100
/** Timeout of one restore. It takes from minutes to hours, depending on the size of the table. */
const PATIENCE_SECONDS = 6 * 3600

export interface Drilled {
  readonly table: string
  readonly copy: string
  readonly seconds: number
  /** Items of the sample that are equal in the table and its copy. */
  readonly same: number
  /** Items of the sample that differ, or that the table no longer has. */
  readonly different: number
  /** Keys and indexes of the copy equal those of the table. */
  readonly shape: boolean
}

const RESTORED = (Object.values(TABLES) as Table[]).filter(({ passing }) => !passing)

export async function drill(config: Config, client: DynamoDBClient, keep: boolean): Promise<Drilled[]> {
  const drilled: Drilled[] = []
  for (const { name } of RESTORED) drilled.push(await drillTable(client, config, name, keep))
  return drilled
}

async function drillTable(
  client: DynamoDBClient,
  config: Config,
  name: string,
  keep: boolean,
): Promise<Drilled> {
  const table = `${prefixOf(config)}${name}`
  const copy = `${prefixOf(config)}drill-${name}`
  const before = performance.now()
  await client.send(
    new RestoreTableToPointInTimeCommand({
      SourceTableName: table,
      TargetTableName: copy,
      UseLatestRestorableTime: true,
    }),
  )
  await waitUntilTableExists({ client, maxWaitTime: PATIENCE_SECONDS }, { TableName: copy })
  const seconds = Math.round((performance.now() - before) / 1000)
  const [original, restored] = await Promise.all([describe(client, table), describe(client, copy)])
  const compared = await compare(client, copy, original.KeySchema ?? [])
  if (!keep) await client.send(new DeleteTableCommand({ TableName: copy }))
  return { table, copy, seconds, shape: isDeepStrictEqual(shapeOf(original), shapeOf(restored)), ...compared }
}

async function describe(client: DynamoDBClient, TableName: string): Promise<TableDescription> {
  return (await client.send(new DescribeTableCommand({ TableName }))).Table ?? {}
}

const byName = (one: { AttributeName?: string | undefined }, other: { AttributeName?: string | undefined }) =>
  String(one.AttributeName).localeCompare(String(other.AttributeName))

function shapeOf({ KeySchema, AttributeDefinitions = [], GlobalSecondaryIndexes = [] }: TableDescription) {
  return {
    KeySchema,
    attributes: AttributeDefinitions.toSorted(byName),
    indexes: GlobalSecondaryIndexes.map((index) => [index.IndexName, index.KeySchema]).sort(),
  }
}

/** Compares a sample of items. The sample is taken from the copy, because the table may have changed since the restore point. */
async function compare(client: DynamoDBClient, copy: string, schema: readonly KeySchemaElement[]) {
  const { Items = [] } = await client.send(new ScanCommand({ TableName: copy, Limit: SAMPLE }))
  const table = copy.replace('drill-', '')
  const originals = await Promise.all(
    Items.map((item) => client.send(new GetItemCommand({ TableName: table, Key: keyOf(item, schema) }))),
  )
  const same = Items.filter((item, i) => isDeepStrictEqual(item, originals[i]?.Item)).length
  return { same, different: Items.length - same }
}

function keyOf(item: Record<string, AttributeValue>, schema: readonly KeySchemaElement[]) {
  return Object.fromEntries(schema.map(({ AttributeName = '' }) => [AttributeName, item[AttributeName]!]))
}

const lineOf = ({ table, seconds, same, different, shape }: Drilled) =>
  `${table}: restored in ${seconds} s, ${same} items as they are, ${different} changed since, keys and indexes ${shape ? 'the same' : 'DIFFERENT'}`

if (import.meta.main)
  await command(async () => {
    const { config, region, flags } = await told({ flags: ['keep', 'json'] })
    const clients = createClients(region)
    const drilled = await drill(config, clients.dynamodb, flags.has('keep')).finally(() => clients.close())
    say(flags.has('json') ? JSON.stringify(drilled) : drilled.map(lineOf).join('\n'))
    if (drilled.some(({ shape }) => !shape)) process.exitCode = 1
  })
