import {
  CreateTableCommand,
  type CreateTableCommandInput,
  ResourceInUseException,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { tableName } from '../shared/store/client.ts'
import { TABLES, type Table, type TableName } from '../shared/store/tables.ts'

/** Creates the missing tables. Idempotent. */
export async function createTables(client: DynamoDBDocumentClient): Promise<void> {
  await Promise.all((Object.keys(TABLES) as TableName[]).map((name) => createTable(client, name)))
}

async function createTable(client: DynamoDBDocumentClient, name: TableName): Promise<void> {
  const table: Table = TABLES[name]
  const TableName = tableName(name)
  try {
    await client.send(new CreateTableCommand(definition(table, TableName)))
  } catch (error) {
    if (error instanceof ResourceInUseException) return
    throw error
  }
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName })
  if (table.expires === undefined) return
  const TimeToLiveSpecification = { AttributeName: table.expires, Enabled: true }
  await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }))
}

function definition(table: Table, TableName: string): CreateTableCommandInput {
  const indexes = (table.indexes ?? []).map((index) => ({
    IndexName: index.name,
    KeySchema: keySchema(index),
    Projection: { ProjectionType: index.keysOnly ? ('KEYS_ONLY' as const) : ('ALL' as const) },
  }))
  const keys = [table, ...(table.indexes ?? [])].flatMap(({ partition, sort }) => [partition, sort])
  const attributes = [...new Set(keys)].filter((name) => name !== undefined)
  return {
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: keySchema(table),
    AttributeDefinitions: attributes.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    ...(indexes.length > 0 && { GlobalSecondaryIndexes: indexes }),
    ...(table.stream && {
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    }),
  }
}

function keySchema({ partition, sort }: { readonly partition: string; readonly sort?: string }) {
  const hash = { AttributeName: partition, KeyType: 'HASH' as const }
  return sort === undefined ? [hash] : [hash, { AttributeName: sort, KeyType: 'RANGE' as const }]
}
