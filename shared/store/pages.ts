/**
 * Reads many items. A cursor holds only the sort key of the last item. The rest of the start key comes from the
 * query, which the caller may make anyway, so a made-up cursor reads nothing else.
 */
import { setTimeout as delay } from 'node:timers/promises'
import {
  BatchGetCommand,
  type BatchGetCommandInput,
  type BatchGetCommandOutput,
  type DynamoDBDocumentClient,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb'
import { z } from 'zod'
import { StraightwayError } from '../errors.ts'
import { tableName } from './client.ts'
import type { TableName } from './tables.ts'

export interface Page<T> {
  readonly items: readonly T[]
  /** Continues the listing. Absent on the last page. */
  readonly cursor?: string
}

export interface PageRequest {
  readonly limit: number
  readonly cursor?: string | undefined
}

export type Key = Readonly<Record<string, string>>

/** Pauses before retries of unprocessed keys are random, up to a bound that grows by this much each time. */
const UNPROCESSED_PAUSE_MS = 50

/** The limit of BatchGetItem. */
const BATCH = 100

/**
 * Items by their keys, in any order. Absent ones are left out. The keys must differ. A read that need not be
 * `consistent` costs half, and may miss the last second. Default: consistent.
 */
export async function getMany<T>(
  client: DynamoDBDocumentClient,
  table: TableName,
  keys: readonly Key[],
  consistent = true,
): Promise<T[]> {
  const found: T[] = []
  for (let at = 0; at < keys.length; at += BATCH) {
    let left: BatchGetCommandInput['RequestItems'] = {
      [tableName(table)]: { Keys: keys.slice(at, at + BATCH), ConsistentRead: consistent },
    }
    for (let pause = 0; left !== undefined && Object.keys(left).length > 0; pause += UNPROCESSED_PAUSE_MS) {
      if (pause > 0) await delay(pause * Math.random())
      const reply: BatchGetCommandOutput = await client.send(new BatchGetCommand({ RequestItems: left }))
      found.push(...((reply.Responses?.[tableName(table)] ?? []) as T[]))
      left = reply.UnprocessedKeys
    }
  }
  return found
}

/** Every item of a query, page by page. */
export async function* eachPage<T>(
  client: DynamoDBDocumentClient,
  query: QueryCommandInput,
): AsyncGenerator<T[]> {
  let from: QueryCommandInput['ExclusiveStartKey']
  do {
    const reply = await client.send(new QueryCommand({ ...query, ExclusiveStartKey: from }))
    yield (reply.Items ?? []) as T[]
    from = reply.LastEvaluatedKey
  } while (from !== undefined)
}

/** Runs `work` for every item, at most `width` at a time. */
export async function forEach<T>(
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
  width = 16,
): Promise<void> {
  const rest = items.values()
  const runner = async () => {
    for (const item of rest) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, runner))
}

export function encodeCursor(text: string): string {
  return Buffer.from(text).toString('base64url')
}

/** The id in a cursor. Errors: `bad-request` if the cursor does not hold an id that matches the schema. */
export function decodeCursor(cursor: string, schema: z.ZodType<string> = z.string().min(1)): string {
  const text = Buffer.from(cursor, 'base64url').toString()
  const id = schema.safeParse(text)
  if (!id.success || encodeCursor(text) !== cursor) throw new StraightwayError('bad-request', INVALID_CURSOR)
  return id.data
}

export const INVALID_CURSOR =
  'cursor: give back the `cursor` of the page before, unchanged, with the same query'
