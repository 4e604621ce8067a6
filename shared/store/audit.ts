/** The audit trail, newest record first. The records are written by transact.ts. */
import { type DynamoDBDocumentClient, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import type { UserId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import { AUDIT_BUCKETS, entrySchema, monthsBack, startOf } from '../model/audit.ts'
import { jsonBytes } from '../model/json.ts'
import type { AuditRecord } from '../resources.ts'
import type { AuditItem } from './audit-step.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import {
  decodeCursor,
  eachPage,
  encodeCursor,
  forEach,
  getMany,
  type Page,
  type PageRequest,
} from './pages.ts'

export interface AuditSearch {
  readonly subject?: string | undefined
  readonly about?: string | undefined
  readonly by?: string | undefined
  readonly operation?: string | undefined
  /** Epoch milliseconds. Default: as far back as records are kept. */
  readonly since?: number | undefined
  /** Epoch milliseconds. Default: now. */
  readonly until?: number | undefined
}

type Found = Pick<AuditItem, 'subject' | 'entry'>

export function createAudit(client: DynamoDBDocumentClient) {
  const TableName = tableName('Audit')

  /**
   * Records that match. Without a subject they follow a change within about a second. A page reads at most `limit`
   * records: it may hold fewer, even none, and still have a cursor.
   */
  async function list(
    search: AuditSearch,
    { limit, cursor }: PageRequest,
    now: number,
  ): Promise<Page<AuditRecord>> {
    const since = Math.max(search.since ?? 0, now - LIMITS.auditMs)
    const until = Math.min(search.until ?? now, now)
    const before = cursor === undefined ? startOf(until + 1) : decodeCursor(cursor, entrySchema)
    const found: Found[] = []
    for (const partitions of partitionsOf(search, { since, until })) {
      const each = await Promise.all(partitions.map((partition) => newest(partition, before, limit)))
      found.push(...each.flat().sort((a, b) => (a.entry < b.entry ? 1 : -1)))
      if (found.length >= limit) break
    }
    const seen = found.slice(0, limit).filter(({ entry }) => entry >= startOf(since))
    const read = await getMany<AuditItem>(client, 'Audit', seen.map(keyOf))
    const kept = new Map(read.map((item) => [item.entry, item]))
    const { shown, last } = fitting(seen.map(({ entry }) => [entry, kept.get(entry)]))
    const items = shown.filter((item) => isSought(item, search)).map(toRecord)
    const more = seen.length === limit || last !== seen.at(-1)?.entry
    return more && last !== undefined ? { items, cursor: encodeCursor(last) } : { items }
  }

  async function newest({ index, name, value }: Partition, before: string, limit: number): Promise<Found[]> {
    const query = new QueryCommand({
      TableName,
      ...(index && { IndexName: index }),
      KeyConditionExpression: '#partition = :partition AND #entry < :before',
      ProjectionExpression: '#subject, #entry',
      ExpressionAttributeNames: { '#partition': name, '#subject': 'subject', '#entry': 'entry' },
      ExpressionAttributeValues: { ':partition': value, ':before': before },
      ScanIndexForward: false,
      Limit: limit,
    })
    return ((await client.send(query)).Items ?? []) as Found[]
  }

  /** Removes what records tell of a user that is being deleted. That something was changed, and by whom, stays. */
  async function forget(user: UserId): Promise<void> {
    const query = {
      TableName,
      KeyConditionExpression: 'subject = :user',
      ProjectionExpression: 'subject, #entry',
      ExpressionAttributeNames: { '#entry': 'entry' },
      ExpressionAttributeValues: { ':user': user },
      ConsistentRead: true,
    }
    for await (const page of eachPage<Found>(client, query)) {
      await forEach(page, ({ subject, entry }) => {
        const update = new UpdateCommand({
          ...{ TableName, Key: { subject, entry } },
          ConditionExpression: 'attribute_exists(subject)',
          UpdateExpression: 'REMOVE #before, #after',
          ExpressionAttributeNames: { '#before': 'before', '#after': 'after' },
        })
        return unlessRefused(client.send(update))
      })
    }
  }

  return { list, forget }
}

interface Partition {
  /** Absent for the table itself. */
  readonly index?: 'byMonth' | 'byMaker'
  readonly name: string
  readonly value: string
}

/** The partitions that hold what is sought, in groups from the newest to the oldest. */
function partitionsOf(
  { subject, by }: AuditSearch,
  { since, until }: { readonly since: number; readonly until: number },
): readonly (readonly Partition[])[] {
  if (subject !== undefined) return [[{ name: 'subject', value: subject }]]
  const buckets = Array.from({ length: AUDIT_BUCKETS }, (_, bucket) => bucket)
  if (by !== undefined)
    return [buckets.map((bucket) => ({ index: 'byMaker', name: 'maker', value: `${by}/${bucket}` }))]
  return monthsBack(until, since).map((month) =>
    buckets.map((bucket) => ({ index: 'byMonth', name: 'month', value: `${month}/${bucket}` })),
  )
}

/** The records that fit into an answer, at least one, and the last entry that was looked at. */
function fitting(found: readonly (readonly [entry: string, item: AuditItem | undefined])[]) {
  const shown: AuditItem[] = []
  let last: string | undefined
  let bytes = 0
  for (const [entry, item] of found) {
    bytes += item === undefined ? 0 : jsonBytes(item)
    if (last !== undefined && bytes > LIMITS.pageBytes) break
    last = entry
    if (item !== undefined) shown.push(item)
  }
  return { shown, last }
}

const isSought = (item: AuditItem, { about, by, operation }: AuditSearch): boolean =>
  (about === undefined || item.about === about) &&
  (by === undefined || item.by === by) &&
  (operation === undefined || item.operation === operation)

const keyOf = ({ subject, entry }: Found) => ({ subject, entry })

const toRecord = ({ month: _, maker: __, expiresAtSeconds: ___, ...record }: AuditItem): AuditRecord => record
