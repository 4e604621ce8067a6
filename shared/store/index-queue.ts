/**
 * Queue of changed records that are yet to be indexed. Functions that push changes to nodes note the records here;
 * the stream of this table calls the function that indexes them. So no push waits for indexing.
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

/** Time to live of a queued item; its stream delivers it long before. */
const KEPT_MS = 24 * 3600_000

/** Queues the subjects as one batch. `now`: epoch milliseconds. */
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
