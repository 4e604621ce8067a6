/** Declarations of collections: which attributes are searchable, who edits the objects. */
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  ScanCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import type { Collection } from '../model/collection.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import { expectVersion } from './edits.ts'
import { decodeCursor, encodeCursor, type Page, type PageRequest } from './pages.ts'
import { CHANGED, retrying } from './transact.ts'

export interface Declaration {
  readonly collection: string
  readonly searchable: readonly string[]
  readonly editable: Collection['editable']
}

/** The item: while objects made before a declaration are being indexed, how far that has come. */
export interface CollectionItem extends Collection {
  /** The key of the last object indexed; empty when none is yet; absent when all are. */
  readonly indexedTo?: string
}

export async function getCollection(
  client: DynamoDBDocumentClient,
  name: string,
): Promise<Collection | undefined> {
  const item = await getCollectionItem(client, name)
  return item && toCollection(item)
}

export async function getCollectionItem(
  client: DynamoDBDocumentClient,
  collection: string,
): Promise<CollectionItem | undefined> {
  const get = new GetCommand({
    TableName: tableName('Collections'),
    Key: { collection },
    ConsistentRead: true,
  })
  return (await client.send(get)).Item as CollectionItem | undefined
}

export async function listCollections(
  client: DynamoDBDocumentClient,
  { limit, cursor }: PageRequest,
): Promise<Page<Collection>> {
  const from = cursor === undefined ? {} : { ExclusiveStartKey: { collection: decodeCursor(cursor) } }
  const reply = await client.send(
    new ScanCommand({ TableName: tableName('Collections'), Limit: limit, ...from }),
  )
  const items = ((reply.Items ?? []) as CollectionItem[]).map(toCollection)
  const last = reply.LastEvaluatedKey
  return last === undefined ? { items } : { items, cursor: encodeCursor(last.collection as string) }
}

/** What is newly searchable is not relied on until every object is indexed under it. Errors: `conflict`. */
export function putCollection(
  client: DynamoDBDocumentClient,
  { collection, searchable, editable }: Declaration,
  { now, ifVersion }: { readonly now: number; readonly ifVersion?: number | undefined },
): Promise<Collection> {
  return retrying(async () => {
    const current = await getCollectionItem(client, collection)
    expectVersion(current?.version ?? 0, ifVersion)
    const indexed = (current?.indexed ?? []).filter((path) => searchable.includes(path))
    const wanting = indexed.length < searchable.length
    const Item: CollectionItem = {
      collection,
      searchable,
      indexed,
      editable,
      createdAt: current?.createdAt ?? now,
      updatedAt: now,
      version: (current?.version ?? 0) + 1,
      ...(wanting && { indexedTo: '' }),
    }
    const put = new PutCommand({
      TableName: tableName('Collections'),
      Item,
      ConditionExpression: current === undefined ? 'attribute_not_exists(createdAt)' : '#version = :version',
      ...(current !== undefined && {
        ExpressionAttributeNames: { '#version': 'version' },
        ExpressionAttributeValues: { ':version': current.version },
      }),
    })
    if ((await unlessRefused(client.send(put))) === undefined) throw CHANGED
    return toCollection(Item)
  })
}

/** Every object up to `to` is indexed as declared; all of them when it is undefined. Nothing if declared anew since. */
export async function markIndexed(
  client: DynamoDBDocumentClient,
  { collection, searchable, version }: CollectionItem,
  to: string | undefined,
): Promise<void> {
  const update = new UpdateCommand({
    TableName: tableName('Collections'),
    Key: { collection },
    ConditionExpression: '#version = :version',
    UpdateExpression:
      to === undefined ? 'SET #indexed = :searchable REMOVE indexedTo' : 'SET indexedTo = :to',
    ExpressionAttributeNames: { '#version': 'version', ...(to === undefined && { '#indexed': 'indexed' }) },
    ExpressionAttributeValues: {
      ':version': version,
      ...(to === undefined ? { ':searchable': searchable } : { ':to': to }),
    },
  })
  await unlessRefused(client.send(update))
}

/** Errors: `not-found`. */
export async function deleteCollection(client: DynamoDBDocumentClient, collection: string): Promise<void> {
  const remove = new DeleteCommand({
    TableName: tableName('Collections'),
    Key: { collection },
    ConditionExpression: 'attribute_exists(createdAt)',
  })
  if ((await unlessRefused(client.send(remove))) === undefined) {
    throw new StraightwayError('not-found', 'There is no such declaration')
  }
}

function toCollection({ indexedTo: _, ...collection }: CollectionItem): Collection {
  return collection
}
