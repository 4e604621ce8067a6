/**
 * Deliveries: an item per webhook and event, until some days after it was delivered or given up.
 *
 * A waiting delivery has `due` and `dueAt`: the time from which the scheduled function posts it. It is written with a
 * time a minute ahead, and the stream posts it meanwhile. So it is posted even if the stream gives it up. Whoever
 * posts moves `dueAt` ahead first, so that no two post at the same time.
 */
import { type DynamoDBDocumentClient, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { startOf } from '../model/audit.ts'
import { deliveryIdSchema } from '../model/webhook.ts'
import type { DeliveryRecord, DeliveryState } from '../resources.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import {
  bucketOf,
  buckets,
  type DeliveryItem,
  expiry,
  LEASE_MS,
  type NewDelivery,
  newItem,
} from './delivery-items.ts'
import { decodeCursor, encodeCursor, forEach, getMany, type Page, type PageRequest } from './pages.ts'
import { CHANGED, type Step, transact } from './transact.ts'

type Key = Pick<DeliveryItem, 'stream' | 'delivery'>

const NAMES = { '#state': 'state', '#due': 'due', '#dueAt': 'dueAt', '#attempts': 'attempts' } as const
const namesIn = (text: string) =>
  Object.fromEntries(Object.entries(NAMES).filter(([mark]) => new RegExp(`${mark}\\b`).test(text)))

export function createDeliveries(client: DynamoDBDocumentClient) {
  const TableName = tableName('Deliveries')

  /** Notes a delivery unless it is known: its id is the same whenever the same change is noted. */
  async function note(given: NewDelivery, now: number): Promise<void> {
    const Item = newItem(given, now)
    const put = new PutCommand({ TableName, Item, ConditionExpression: 'attribute_not_exists(delivery)' })
    await unlessRefused(client.send(put))
  }

  /** Like `note`, on condition that the request's credential is still valid. */
  async function noteAsked(given: NewDelivery, now: number): Promise<void> {
    const Put = {
      TableName,
      Item: newItem(given, now),
      ConditionExpression: 'attribute_not_exists(delivery)',
    }
    try {
      await transact(client, [{ refused: CHANGED, write: { Put } }])
    } catch (error) {
      // A request that is sent again with its `Idempotency-Key` has noted it already.
      if (error !== CHANGED) throw error
    }
  }

  async function change(
    { stream, delivery }: Key,
    expression: string,
    condition: string,
    values: Readonly<Record<string, unknown>>,
  ): Promise<boolean> {
    const update = new UpdateCommand({
      ...{ TableName, Key: { stream, delivery } },
      UpdateExpression: expression,
      ConditionExpression: condition,
      ExpressionAttributeNames: namesIn(`${expression} ${condition}`),
      ExpressionAttributeValues: values,
    })
    return (await unlessRefused(client.send(update))) !== undefined
  }

  return {
    note,
    noteAsked,

    /** Takes a waiting delivery for LEASE_MS. False if it is done, or another took it. */
    claim: ({ stream, delivery, dueAt }: DeliveryItem, now: number) =>
      change({ stream, delivery }, 'SET #dueAt = :next', '#dueAt = :dueAt', {
        ':next': startOf(now + LEASE_MS),
        ':dueAt': dueAt,
      }),

    delivered: (key: Key, status: number, now: number) =>
      change(
        key,
        'SET #state = :done, lastStatus = :status, lastAt = :now, expiresAtSeconds = :expiry ADD #attempts :one REMOVE #due, #dueAt, failure',
        'attribute_exists(delivery)',
        {
          ':done': 'delivered',
          ':status': status,
          ':now': now,
          ':one': 1,
          ':expiry': expiry('delivered', now),
        },
      ),

    /** Notes a failed attempt. Without `nextAt` the delivery is dead. */
    failed(key: Key, failure: string, now: number, nextAt: number | undefined) {
      const [state, rest] =
        nextAt === undefined ? (['dead', ' REMOVE #due, #dueAt'] as const) : (['waiting', ''] as const)
      const next = nextAt === undefined ? '' : ', #dueAt = :next'
      const set = `SET #state = :state, failure = :failure, lastAt = :now, expiresAtSeconds = :expiry${next}`
      return change(key, `${set} ADD #attempts :one${rest}`, 'attribute_exists(delivery)', {
        ...{ ':state': state, ':failure': failure, ':now': now, ':one': 1, ':expiry': expiry(state, now) },
        ...(nextAt !== undefined && { ':next': startOf(nextAt) }),
      })
    },

    /** Makes it wait until then, without having been tried. */
    putOff: (key: Key, nextAt: number) =>
      change(key, 'SET #dueAt = :next', 'attribute_exists(#dueAt)', { ':next': startOf(nextAt) }),

    /** Waiting deliveries that are due, the oldest first. */
    async due(now: number, limit: number): Promise<readonly DeliveryItem[]> {
      const each = buckets().map((bucket) =>
        client.send(
          new QueryCommand({
            TableName,
            IndexName: 'byDue',
            KeyConditionExpression: '#due = :due AND #dueAt < :now',
            ExpressionAttributeNames: { '#due': 'due', '#dueAt': 'dueAt' },
            ExpressionAttributeValues: { ':due': `${bucket}`, ':now': startOf(now + 1) },
            Limit: limit,
          }),
        ),
      )
      const keys = (await Promise.all(each)).flatMap(({ Items = [] }) => Items as Key[])
      const items = await getMany<DeliveryItem>(client, 'Deliveries', keys.map(keyOf))
      return items.filter(({ dueAt }) => dueAt !== undefined && dueAt < startOf(now + 1))
    },

    /** Deliveries of a webhook, newest first. A page may hold fewer than `limit`, even none, and still have a cursor. */
    async list(
      webhook: string,
      { limit, cursor }: PageRequest,
      state?: DeliveryState,
    ): Promise<Page<DeliveryRecord>> {
      const before = cursor === undefined ? LAST : decodeCursor(cursor, deliveryIdSchema)
      const { items, next } = await read(webhook, { ':from': FIRST, ':to': before }, limit, false)
      const shown = items.filter((item) => item.delivery !== before && isIn(item, state)).map(toRecord)
      return next === undefined ? { items: shown } : { items: shown, cursor: encodeCursor(next) }
    },

    /**
     * Makes deliveries that are done or dead wait again, the oldest first, about REPLAYED at a time. `cursor` continues.
     */
    async replay(webhook: string, { since, until, states, cursor }: Replay, now: number) {
      const from = cursor === undefined ? startOf(since) : decodeCursor(cursor, deliveryIdSchema)
      const range = { ':from': from, ':to': startOf(until + 1) }
      const { items, next } = await read(webhook, range, REPLAYED, true)
      const again = items.filter(({ delivery, state }) => delivery !== cursor && states.includes(state))
      await forEach(again, (item) => transact(client, [waitsAgain(item, now)]).catch(unlessChanged))
      return { replayed: again.length, ...(next !== undefined && { cursor: encodeCursor(next) }) }
    },
  }

  /** Merges the buckets of a webhook. A query ends after a megabyte, so a bucket may know less than the others. */
  async function read(
    webhook: string,
    range: Readonly<Record<':from' | ':to', string>>,
    limit: number,
    oldestFirst: boolean,
  ): Promise<{ readonly items: readonly DeliveryItem[]; readonly next?: string | undefined }> {
    const each = buckets().map((bucket) =>
      client.send(
        new QueryCommand({
          TableName,
          KeyConditionExpression: '#stream = :stream AND delivery BETWEEN :from AND :to',
          ExpressionAttributeNames: { '#stream': 'stream' },
          ExpressionAttributeValues: { ':stream': `${webhook}/${bucket}`, ...range },
          ScanIndexForward: oldestFirst,
          Limit: limit + 1,
        }),
      ),
    )
    const replies = await Promise.all(each)
    const comesFirst = (a: string, b: string) => (oldestFirst ? a < b : a > b)
    const ends = replies.flatMap(({ LastEvaluatedKey: last }) => (last ? [`${last.delivery}`] : []))
    const end = ends.reduce<string | undefined>(
      (a, b) => (a === undefined || comesFirst(b, a) ? b : a),
      undefined,
    )
    const found = replies
      .flatMap(({ Items = [] }) => Items as DeliveryItem[])
      .filter(({ delivery }) => end === undefined || !comesFirst(end, delivery))
      .sort((a, b) => (comesFirst(a.delivery, b.delivery) ? -1 : 1))
    const items = found.slice(0, limit)
    return { items, next: end !== undefined || found.length > limit ? items.at(-1)?.delivery : undefined }
  }
}

export interface Replay {
  readonly since: number
  readonly until: number
  readonly states: readonly DeliveryState[]
  readonly cursor?: string | undefined
}

/** Refused with CHANGED if the delivery is in another state by now. */
function waitsAgain({ stream, delivery, state }: DeliveryItem, now: number): Step {
  const UpdateExpression =
    'SET #state = :waiting, #attempts = :none, #due = :due, #dueAt = :now, expiresAtSeconds = :expiry'
  const Update = {
    ...{ TableName: tableName('Deliveries'), Key: { stream, delivery } },
    ...{ UpdateExpression, ConditionExpression: '#state = :state', ExpressionAttributeNames: NAMES },
    ExpressionAttributeValues: {
      ...{ ':waiting': 'waiting', ':none': 0, ':due': `${bucketOf(delivery)}`, ':state': state },
      ...{ ':now': startOf(now), ':expiry': expiry('waiting', now) },
    },
  }
  return { refused: CHANGED, write: { Update } }
}

function unlessChanged(error: unknown): void {
  if (error !== CHANGED) throw error
}

const REPLAYED = 100
const [FIRST, LAST] = ['0', '~']

const isIn = (item: DeliveryItem, state: DeliveryState | undefined) =>
  state === undefined || item.state === state

const keyOf = ({ stream, delivery }: Key) => ({ stream, delivery })

function toRecord(item: DeliveryItem): DeliveryRecord {
  const { stream: _, body: __, due: ___, dueAt: ____, expiresAtSeconds: _____, ...record } = item
  return record
}
