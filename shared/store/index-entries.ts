/**
 * Writing the inverted index; README.md shows the items.
 *
 * Streams of several tables concern one record and have no order between them. So a change is never applied as a
 * difference of images: the record is read as it is now, compared with its manifest, and entered anew where they differ.
 * Doing that twice, late or out of order leads to the same end. The manifest and the entries are written in one transaction,
 * so a record is entered as before or as after. A change of more entries than a transaction takes is noted in the manifest
 * first, made in several transactions that hold only while that note stands, and noted as made; whoever finds the note of
 * another finishes or replaces its work.
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
  /** Another with every write; it never comes back. */
  readonly version: string
  /** When the last version was written. */
  readonly at: number
  readonly history: History
  readonly card: Card
  readonly units: number
  /** What is being entered in several transactions. */
  readonly pending?: Entered
}

type ManifestItem = Omit<Manifest, 'history' | 'pending'> & {
  readonly history: string
  readonly pending?: string
}

const NO_MANIFEST: Manifest = { version: '', at: 0, history: NO_HISTORY, card: '', units: 1 }
export const MANIFEST_ENTRY = '='
/** A transaction has 100 writes, one of them of the manifest. */
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

/** Brings the entries of a record to what `read` says of it now. */
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

/** A record with very long values that keep changing: searches that run meanwhile may find it twice. */
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

/** Throws CHANGED if another function entered the record meanwhile. */
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

/** The next version, or nothing of a record that is gone. */
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
