/**
 * The inverted index: `SearchTerms` holds one entry for every scope a record may be found in and every pair of attribute
 * and value (shared/model/search/terms.ts), and for every record a manifest of what it is entered under.
 *
 *   entry      term = entity#scope#attribute     entry = encoded value, separator, id
 *   manifest   term = =entity#id                 entry = "="; the scopes and pairs as of a version
 *
 * Streams of several tables concern one record and have no order between them. So a change is never applied as a
 * difference of images: the record is read as it is now, compared with its manifest, and entered anew where they differ.
 * Doing that twice, late or out of order leads to the same end. New entries are written before the manifest, old ones
 * removed after it, each with the version of the manifest, so that of two functions at work on one record the later
 * always prevails. An entry left behind by a crash does no harm: an entry only proposes a record, the record decides.
 */
import { DeleteCommand, type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { entryOf, type Pair } from '../model/search/terms.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import { forEach } from './pages.ts'
import { CHANGED, retrying } from './transact.ts'

/** What a record is to be found under; nothing where it is gone. */
export interface Terms {
  readonly scopes: readonly string[]
  readonly pairs: readonly Pair[]
}

export const NO_TERMS: Terms = { scopes: [], pairs: [] }

export interface IndexedRecord {
  /** `user`, `network`, `peer`, or `object/` and the collection. */
  readonly entity: string
  readonly id: string
}

interface Manifest extends Terms {
  readonly version: number
  /** As of the version before: what may still have to be removed after a crash. */
  readonly before: Terms
}

interface Posting {
  readonly term: string
  readonly entry: string
}

const NO_MANIFEST: Manifest = { ...NO_TERMS, version: 0, before: NO_TERMS }
const MANIFEST_ENTRY = '='

export function termOf(entity: string, scope: string, attribute: string): string {
  return `${entity}#${scope}#${attribute}`
}

/** Brings the entries of a record to what `read` says of it now. */
export async function enter(
  client: DynamoDBDocumentClient,
  record: IndexedRecord,
  read: () => Promise<Terms>,
): Promise<void> {
  const tried: Posting[] = []
  await retrying(async () => {
    const manifest = await readManifest(client, record)
    const wanted = await read()
    const now = postingsOf(record, wanted)
    const was = postingsOf(record, manifest)
    const old = without([...tried, ...was, ...postingsOf(record, manifest.before)], now)
    const added = without(now, was)
    const changed = added.length > 0 || without(was, now).length > 0
    const version = changed ? manifest.version + 1 : manifest.version
    if (changed) {
      tried.push(...added)
      await forEach(added, (posting) => writePosting(client, posting, version))
      await writeManifest(client, record, { ...wanted, version, before: termsOf(manifest) })
    }
    await forEach(old, (posting) => removePosting(client, posting, version))
    // Of a record that is gone nothing is kept, and what it was found under is of it.
    if (now.length === 0 && old.length > 0) {
      await writeManifest(client, record, { ...NO_TERMS, version: version + 1, before: NO_TERMS })
    }
  })
}

async function readManifest(client: DynamoDBDocumentClient, record: IndexedRecord): Promise<Manifest> {
  const Key = { term: manifestTermOf(record), entry: MANIFEST_ENTRY }
  const get = new GetCommand({ TableName: tableName('SearchTerms'), Key, ConsistentRead: true })
  return ((await client.send(get)).Item as Manifest | undefined) ?? NO_MANIFEST
}

async function writeManifest(
  client: DynamoDBDocumentClient,
  record: IndexedRecord,
  manifest: Manifest,
): Promise<void> {
  const put = new PutCommand({
    TableName: tableName('SearchTerms'),
    Item: { ...manifest, term: manifestTermOf(record), entry: MANIFEST_ENTRY },
    ConditionExpression: 'attribute_not_exists(#version) OR #version = :before',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':before': manifest.version - 1 },
  })
  if ((await unlessRefused(client.send(put))) === undefined) throw CHANGED
}

/** Unless a later one wrote it. */
async function writePosting(
  client: DynamoDBDocumentClient,
  posting: Posting,
  version: number,
): Promise<void> {
  const put = new PutCommand({
    TableName: tableName('SearchTerms'),
    Item: { ...posting, version },
    ConditionExpression: 'attribute_not_exists(#version) OR #version < :version',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':version': version },
  })
  await unlessRefused(client.send(put))
}

/** Unless a later one wrote it. */
async function removePosting(
  client: DynamoDBDocumentClient,
  { term, entry }: Posting,
  version: number,
): Promise<void> {
  const remove = new DeleteCommand({
    TableName: tableName('SearchTerms'),
    Key: { term, entry },
    ConditionExpression: 'attribute_not_exists(#version) OR #version <= :version',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':version': version },
  })
  await unlessRefused(client.send(remove))
}

function postingsOf({ entity, id }: IndexedRecord, { scopes, pairs }: Terms): readonly Posting[] {
  return scopes.flatMap((scope) =>
    pairs.map(({ attribute, value }) => ({
      term: termOf(entity, scope, attribute),
      entry: entryOf(value, id),
    })),
  )
}

function without(postings: readonly Posting[], others: readonly Posting[]): readonly Posting[] {
  const keys = new Set(others.map(keyOf))
  return postings.filter((posting) => !keys.has(keyOf(posting)))
}

function keyOf({ term, entry }: Posting): string {
  return JSON.stringify([term, entry])
}

function termsOf({ scopes, pairs }: Terms): Terms {
  return { scopes, pairs }
}

function manifestTermOf({ entity, id }: IndexedRecord): string {
  return `=${entity}#${id}`
}
