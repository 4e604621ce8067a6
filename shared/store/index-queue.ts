/**
 * What changed and is still to be indexed. Functions that push changes to nodes note the records here, and the stream of this
 * table calls the function that indexes them: however long that takes, no push waits for it.
 */
import { randomUUID } from 'node:crypto'
import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb'
import { tableName } from './client.ts'
import type { TableName } from './tables.ts'

/** An item of a table that may have changed. */
export interface Subject {
  readonly table: TableName
  readonly keys: Readonly<Record<string, string>>
}

export interface QueuedBatch {
  readonly batch: string
  readonly subjects: readonly Subject[]
  readonly expiresAtSeconds: number
}

/** The stream has delivered an item long before. */
const KEPT_MS = 24 * 3600_000

/** `now`: epoch milliseconds. */
export async function queueForIndex(
  client: DynamoDBDocumentClient,
  subjects: readonly Subject[],
  now: number,
): Promise<void> {
  if (subjects.length === 0) return
  const expiresAtSeconds = Math.ceil((now + KEPT_MS) / 1000)
  const Item: QueuedBatch = { batch: randomUUID(), subjects, expiresAtSeconds }
  await client.send(new PutCommand({ TableName: tableName('IndexQueue'), Item }))
}
