/** Declarations of collections: which attributes are searchable, and who may edit the objects. */
import { type DynamoDBDocumentClient, GetCommand, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { type Collection, collectionNameSchema } from '../model/collection.ts'
import { expectVersion, type Precondition } from '../model/precondition.ts'
import type { Declared } from '../model/visibility.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import { decodeCursor, encodeCursor, type Page, type PageRequest } from './pages.ts'
import { CHANGED, OUTDATED, retrying, transact } from './transact.ts'

export interface Declaration {
  readonly collection: string
  readonly searchable: readonly string[]
  readonly editable: Collection['editable']
  readonly visibility?: Declared | undefined
}

/**
 * The item of a declaration. `visibility` is absent on items written before it existed. While existing objects are
 * being indexed as declared, the item holds the progress.
 */
export interface CollectionItem extends Omit<Collection, 'visibility'> {
  readonly visibility?: Declared
  /** Key of the last object indexed. Empty if none is yet; absent if all are. */
  readonly indexedTo?: string
  /** Declared paths, lower case, at which any object has had several values since the declaration. */
  readonly several?: ReadonlySet<string>
}

export type Collections = ReturnType<typeof createCollections>

export function createCollections(client: DynamoDBDocumentClient) {
  async function get(name: string): Promise<Collection | undefined> {
    const item = await getItem(name)
    return item && toCollection(item)
  }

  async function getItem(collection: string): Promise<CollectionItem | undefined> {
    const get = new GetCommand({
      TableName: tableName('Collections'),
      Key: { collection },
      ConsistentRead: true,
    })
    return (await client.send(get)).Item as CollectionItem | undefined
  }

  async function list({ limit, cursor }: PageRequest): Promise<Page<Collection>> {
    const from =
      cursor === undefined
        ? {}
        : { ExclusiveStartKey: { collection: decodeCursor(cursor, collectionNameSchema) } }
    const reply = await client.send(
      new ScanCommand({ TableName: tableName('Collections'), Limit: limit, ...from }),
    )
    const items = ((reply.Items ?? []) as CollectionItem[]).map(toCollection)
    const last = reply.LastEvaluatedKey
    return last === undefined ? { items } : { items, cursor: encodeCursor(last.collection as string) }
  }

  /**
   * Declares a collection. Searches rely on a newly searchable attribute only after every object has been indexed by
   * it. Errors: `precondition-failed`.
   */
  function put(
    { collection, searchable, editable, visibility = {} }: Declaration,
    { now, precondition }: { readonly now: number; readonly precondition?: Precondition | undefined },
  ): Promise<Collection> {
    return retrying(async () => {
      const current = await getItem(collection)
      expectVersion(current?.version, precondition)
      const indexed = (current?.indexed ?? []).filter((path) => searchable.includes(path))
      const wanting = indexed.length < searchable.length
      const paths = new Set(searchable.map((path) => path.toLowerCase()))
      const several = [...(current?.several ?? [])].filter((path) => paths.has(path))
      const Item: CollectionItem = {
        collection,
        searchable,
        indexed,
        editable,
        visibility,
        createdAt: current?.createdAt ?? now,
        updatedAt: now,
        version: (current?.version ?? 0) + 1,
        ...(wanting && { indexedTo: '' }),
        ...(several.length > 0 && { several: new Set(several) }),
      }
      const condition =
        current === undefined ? { ConditionExpression: 'attribute_not_exists(createdAt)' } : isStill(current)
      const Put = { TableName: tableName('Collections'), Item, ...condition }
      const after = toCollection(Item)
      const told = { subject: `collection:${collection}`, before: current && toCollection(current), after }
      await transact(client, [{ refused: CHANGED, write: { Put } }], told)
      return after
    })
  }

  /**
   * Records that objects may have several values at these paths. Must be called before the first such object is
   * indexed.
   */
  async function noteSeveral(collection: string, paths: readonly string[]): Promise<void> {
    const update = new UpdateCommand({
      TableName: tableName('Collections'),
      Key: { collection },
      ConditionExpression: 'attribute_exists(createdAt)',
      UpdateExpression: 'ADD several :paths',
      ExpressionAttributeValues: { ':paths': new Set(paths) },
    })
    await unlessRefused(client.send(update))
  }

  /**
   * Records that every object up to `to` is indexed as declared; all objects if `to` is undefined. Does nothing if the
   * declaration has changed.
   */
  async function markIndexed(
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

  /** Deletes a declaration. Errors: OUTDATED if it is at another version. */
  async function deleteCollection(before: Collection): Promise<void> {
    const { collection, version } = before
    const Delete = { TableName: tableName('Collections'), Key: { collection }, ...isAt(version) }
    await transact(client, [{ refused: OUTDATED, write: { Delete } }], {
      subject: `collection:${collection}`,
      before,
    })
  }

  return { get, getItem, list, put, noteSeveral, markIndexed, delete: deleteCollection }
}

/** Condition: neither the declaration nor `several` has changed. */
function isStill({ version, several }: CollectionItem) {
  const same = several === undefined ? 'attribute_not_exists(several)' : 'size(several) = :several'
  return {
    ConditionExpression: `#version = :version AND ${same}`,
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':version': version, ...(several && { ':several': several.size }) },
  }
}

function isAt(version: number) {
  return {
    ConditionExpression: '#version = :version',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':version': version },
  }
}

export function toCollection({
  indexedTo: _,
  several: __,
  visibility = {},
  ...collection
}: CollectionItem): Collection {
  return { ...collection, visibility }
}
