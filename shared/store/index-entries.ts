/**
 * Writes the inverted index; README.md shows the items.
 *
 * The streams of several tables concern the same record, and have no order among them. So no change is applied as a
 * difference of two images. The record is read as it is now, compared with its manifest, and indexed again where they
 * differ. This is idempotent and independent of order and delay.
 *
 * The manifest and the entries are written in one transaction, so a search sees a record as it was before or after. A
 * change with more entries than a transaction holds is made in steps:
 *
 *   1. The change is noted in the manifest.
 *   2. It is made in several transactions, each on condition that the note stands.
 *   3. The note is removed.
 *
 * A function that finds another's note completes or replaces its work.
 */
import { randomUUID } from 'node:crypto'
import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'
import type { Card } from '../model/search/card.ts'
import {
  advanced,
  type History,
  NO_HISTORY,
  parsedHistory,
  withoutPast,
  writtenHistory,
} from '../model/search/history.ts'
import { tableName } from './client.ts'
import { changesOf, type Entered, type IndexedRecord } from './index-changes.ts'
import { forEach } from './pages.ts'
import { CHANGED, retrying, transact, type Write } from './transact.ts'

export { type Entered, type IndexedRecord, termOf } from './index-changes.ts'

export const NOT_ENTERED: Entered = { scopes: [], pairs: [], card: '{}', units: 1 }

/** The manifest of a record. */
export interface Manifest {
  /** Different after every write; a version never returns. */
  readonly version: string
  /** Time at which this version was written, epoch milliseconds. */
  readonly at: number
  readonly history: History
  readonly card: Card
  readonly units: number
  /** The change that is being made in several transactions. */
  readonly pending?: Entered
}

type ManifestItem = Omit<Manifest, 'history' | 'pending'> & {
  readonly history: string
  readonly pending?: string
}

const NO_MANIFEST: Manifest = { version: '', at: 0, history: NO_HISTORY, card: '', units: 1 }
export const MANIFEST_ENTRY = '='
/** Entry writes per transaction. DynamoDB allows 100 writes, and one of them is the manifest. */
const AT_ONCE = 98
const WIDTH = 4
const HISTORY_LENGTH = 150_000

export function manifestTermOf({ entity, id }: IndexedRecord): string {
  return `=${entity}#${id}`
}

export function manifestOf(item: unknown): Manifest {
  const { history, pending, ...rest } = item as ManifestItem
  const parsed = pending === undefined ? {} : { pending: JSON.parse(pending) as Entered }
  return { ...rest, history: parsedHistory(history), ...parsed }
}

/** Updates the entries of a record to what `read` returns for it now. */
export function enter(
  client: DynamoDBDocumentClient,
  record: IndexedRecord,
  read: () => Promise<Entered>,
  now: () => number = Date.now,
): Promise<void> {
  return retrying(async () => {
    const manifest = await readManifest(client, record)
    const wanted = await read()
    const at = Math.max(now(), manifest.at + 1)
    const history = bounded(advanced(manifest.history, wanted, at))
    const { needed, spare } = changesOf(record, manifest, wanted, history, at)
    if (needed.length === 0 && manifest.pending === undefined) return
    const next = { at, history, card: wanted.card, units: wanted.units }
    const gone = wanted.scopes.length === 0
    const all = [...needed, ...spare.slice(0, Math.max(0, AT_ONCE - needed.length))]
    if (all.length <= AT_ONCE) await enterAtOnce(client, record, manifest, next, all, gone)
    else await enterInSteps(client, record, manifest, next, all, wanted)
  })
}

/**
 * Drops the past of a record with very long values that keep changing. Searches in progress may find such a record
 * twice.
 */
function bounded(history: History): History {
  return writtenHistory(history).length > HISTORY_LENGTH ? withoutPast(history) : history
}

type Next = Pick<Manifest, 'at' | 'history' | 'card' | 'units'>

function enterAtOnce(
  client: DynamoDBDocumentClient,
  record: IndexedRecord,
  { version }: Manifest,
  next: Next,
  writes: readonly Write[],
  gone: boolean,
): Promise<void> {
  return write(client, [manifestWrite(record, version, gone ? undefined : next), ...writes])
}

async function enterInSteps(
  client: DynamoDBDocumentClient,
  record: IndexedRecord,
  manifest: Manifest,
  next: Next,
  writes: readonly Write[],
  pending: Entered,
): Promise<void> {
  const { version } = manifest
  const { history, card, units, at } = manifest
  const note = randomUUID()
  await write(client, [manifestWrite(record, version, { history, card, units, at, pending }, note)])
  const steps = Array.from({ length: Math.ceil(writes.length / AT_ONCE) }, (_, step) =>
    writes.slice(step * AT_ONCE, (step + 1) * AT_ONCE),
  )
  const standing = manifestStands(record, note)
  await forEach(steps, (step) => write(client, [standing, ...step]), WIDTH)
  const gone = pending.scopes.length === 0
  await write(client, [manifestWrite(record, note, gone ? undefined : next)])
}

/** Writes in one transaction. Errors: CHANGED if another function has indexed the record meanwhile. */
function write(client: DynamoDBDocumentClient, writes: readonly Write[]): Promise<void> {
  return transact(
    client,
    writes.map((one) => ({ write: one, refused: CHANGED })),
  )
}

async function readManifest(client: DynamoDBDocumentClient, record: IndexedRecord): Promise<Manifest> {
  const Key = { term: manifestTermOf(record), entry: MANIFEST_ENTRY }
  const get = new GetCommand({ TableName: tableName('SearchTerms'), Key, ConsistentRead: true })
  const { Item } = await client.send(get)
  return Item === undefined ? NO_MANIFEST : manifestOf(Item)
}

/** Writes the next version of the manifest, or deletes that of a record that is gone. */
function manifestWrite(
  record: IndexedRecord,
  before: string,
  next: (Next & { readonly pending?: Entered }) | undefined,
  version: string = randomUUID(),
): Write {
  const Key = { term: manifestTermOf(record), entry: MANIFEST_ENTRY }
  const condition = isAt(before)
  if (next === undefined) return { Delete: { TableName: tableName('SearchTerms'), Key, ...condition } }
  const { history, pending, ...rest } = next
  const noted = pending === undefined ? {} : { pending: JSON.stringify(pending) }
  const Item = { ...Key, ...rest, version, history: writtenHistory(history), ...noted }
  return { Put: { TableName: tableName('SearchTerms'), Item, ...condition } }
}

function manifestStands(record: IndexedRecord, version: string): Write {
  const Key = { term: manifestTermOf(record), entry: MANIFEST_ENTRY }
  return { ConditionCheck: { TableName: tableName('SearchTerms'), Key, ...isAt(version) } }
}

function isAt(version: string) {
  if (version === '') return { ConditionExpression: 'attribute_not_exists(term)' }
  return {
    ConditionExpression: '#version = :version',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':version': version },
  }
}
