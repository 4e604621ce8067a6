/**
 * Queue of changed records that are yet to be indexed. Functions that push changes to nodes note the records here;
 * the stream of this table calls the function that indexes them. So no push waits for indexing.
 */
import { randomUUID } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
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
  /**
   * Compressed, because a write is charged by size. A stream record has it as base64. A list in batches of an earlier
   * version.
   */
  readonly subjects: Uint8Array | string | readonly Subject[]
  readonly expiresAtSeconds: number
}

/** Time to live of a queued item; its stream delivers it long before. */
const KEPT_MS = 24 * 3600_000

/** Longest text of a batch: that of the most records (infra/functions.ts, `gathered`) with the longest keys of DynamoDB. */
const MOST_BYTES = 4 * 1024 * 1024

/** Queues the subjects as one batch. `now`: epoch milliseconds. */
export async function queueForIndex(
  client: DynamoDBDocumentClient,
  subjects: readonly Subject[],
  now: number,
): Promise<void> {
  if (subjects.length === 0) return
  const expiresAtSeconds = Math.ceil((now + KEPT_MS) / 1000)
  const Item: QueuedBatch = { batch: randomUUID(), subjects: packed(subjects), expiresAtSeconds }
  await client.send(new PutCommand({ TableName: tableName('IndexQueue'), Item }))
}

/** The subjects of a batch. Throws if it is longer than any that `queueForIndex` writes, before it takes that memory. */
export function subjectsIn({ subjects }: QueuedBatch): readonly Subject[] {
  if (typeof subjects !== 'string' && !(subjects instanceof Uint8Array)) return subjects
  const bytes = typeof subjects === 'string' ? Buffer.from(subjects, 'base64') : subjects
  return JSON.parse(inflateRawSync(bytes, { maxOutputLength: MOST_BYTES }).toString()) as readonly Subject[]
}

const packed = (subjects: readonly Subject[]): Uint8Array => deflateRawSync(JSON.stringify(subjects))
