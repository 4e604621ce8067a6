/**
 * Reading many items. A cursor given to a caller holds the sort key of the last item only; the rest of a start key is
 * what the caller may ask for anyway, so a made-up cursor reads nothing else.
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
  /** Continues the listing; absent on the last page. */
  readonly cursor?: string
}

export interface PageRequest {
  readonly limit: number
  readonly cursor?: string | undefined
}

export type Key = Readonly<Record<string, string>>

/** How much longer each pause before asking again for what a throttle left out. */
const UNPROCESSED_PAUSE_MS = 50

/** BatchGetItem takes no more. */
const BATCH = 100

/** Items in no particular order; keys that are absent are left out. Keys must differ. */
export async function getMany<T>(
  client: DynamoDBDocumentClient,
  table: TableName,
  keys: readonly Key[],
): Promise<T[]> {
  const found: T[] = []
  for (let at = 0; at < keys.length; at += BATCH) {
    let left: BatchGetCommandInput['RequestItems'] = {
      [tableName(table)]: { Keys: keys.slice(at, at + BATCH), ConsistentRead: true },
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

/** Every item of a query, a page at a time. */
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

/** Runs `work` for every item, a few at a time. */
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

/** Throws `bad-request` on what is no cursor to an id of this form. */
export function decodeCursor(cursor: string, schema: z.ZodType<string> = z.string().min(1)): string {
  const text = Buffer.from(cursor, 'base64url').toString()
  const id = schema.safeParse(text)
  if (!id.success || encodeCursor(text) !== cursor) throw new StraightwayError('bad-request', INVALID_CURSOR)
  return id.data
}

export const INVALID_CURSOR =
  'cursor: give back the `cursor` of the page before, unchanged, with the same query'
