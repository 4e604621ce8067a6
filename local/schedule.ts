/** Timed work of EventBridge and DynamoDB: calls of a scheduled function, and the removal of expired items. */
import { randomUUID } from 'node:crypto'
import { DeleteCommand, type DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb'
import type { ScheduledEvent } from 'aws-lambda'
import { tableName } from '../shared/store/client.ts'
import { unlessRefused } from '../shared/store/conditions.ts'
import { TABLES, type Table, type TableName } from '../shared/store/tables.ts'
import { invoke, type LambdaHandler } from './lambda.ts'
import { Pause } from './pause.ts'

export interface ScheduleOptions {
  readonly name: string
  readonly everyMs: number
  readonly handler: LambdaHandler<ScheduledEvent, unknown>
}

export interface Schedule {
  /** Ends the schedule and waits for a call in progress. */
  close(): Promise<void>
}

const TIMEOUT_MS = 60_000

/** Calls the handler immediately and then periodically, one call at a time. A failed call is logged. */
export function startSchedule({ name, everyMs, handler }: ScheduleOptions): Schedule {
  const pause = new Pause()
  let closed = false
  async function run(): Promise<void> {
    while (!closed) {
      await invoke(handler, scheduledEvent(name), { name, timeoutMs: TIMEOUT_MS }).catch((error) => {
        if (!closed) console.error(`${name}:`, error)
      })
      await pause.wait(everyMs)
    }
  }
  const running = run()
  return {
    close() {
      closed = true
      pause.end()
      return running
    },
  }
}

/**
 * Makes a function that removes expired items, because the embedded engine stores expiry times and does not act on
 * them. Expired leases are left to the reaper. Each call examines a part of each table and the next call continues
 * there, so that its cost does not grow with the tables.
 */
export function createSweep(client: DynamoDBDocumentClient): (nowSeconds: number) => Promise<void> {
  const names = (Object.keys(TABLES) as TableName[]).filter((name) => name !== 'Fleet')
  const reached = new Map<TableName, Record<string, unknown>>()
  return async (nowSeconds) => {
    await Promise.all(
      names.map(async (name) => {
        const next = await sweepTable(client, name, nowSeconds, reached.get(name))
        if (next === undefined) reached.delete(name)
        else reached.set(name, next)
      }),
    )
  }
}

/** Items of a table that one call examines. */
const PART = 1_000

async function sweepTable(
  client: DynamoDBDocumentClient,
  name: TableName,
  nowSeconds: number,
  from: Record<string, unknown> | undefined,
): Promise<Record<string, unknown> | undefined> {
  const { expires, partition, sort }: Table = TABLES[name]
  if (expires === undefined) return undefined
  const expired = {
    TableName: tableName(name),
    ExpressionAttributeNames: { '#expires': expires },
    ExpressionAttributeValues: { ':now': nowSeconds },
  }
  const condition = '#expires < :now'
  const scan = { ...expired, FilterExpression: condition, Limit: PART, ExclusiveStartKey: from }
  const { Items = [], LastEvaluatedKey } = await client.send(new ScanCommand(scan))
  for (const item of Items) {
    const Key = { [partition]: item[partition], ...(sort !== undefined && { [sort]: item[sort] }) }
    await unlessRefused(client.send(new DeleteCommand({ ...expired, Key, ConditionExpression: condition })))
  }
  return LastEvaluatedKey
}

function scheduledEvent(name: string): ScheduledEvent {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: '000000000000',
    time: new Date().toISOString(),
    region: 'local',
    resources: [`arn:aws:events:local:000000000000:rule/${name}`],
    detail: {},
  }
}
