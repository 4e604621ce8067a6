/** Application objects. A private object is kept under its owner's id in place of a network. */
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
} from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import type { NetworkId, UserId } from '../ids.ts'
import type { JsonObject } from '../model/json.ts'
import { objectValueSchema, type StoredObject } from '../model/object.ts'
import { patched } from '../model/validate.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import { expectVersion } from './edits.ts'
import { eachPage, forEach, getMany } from './pages.ts'
import { CHANGED, retrying } from './transact.ts'

export interface ObjectKey {
  readonly collection: string
  readonly id: string
}

export interface NewObject extends ObjectKey {
  /** Without a network it is private to its owner: one of the two there must be. */
  readonly network?: NetworkId | undefined
  readonly owner?: UserId | undefined
  readonly value: JsonObject
}

type ObjectItem = Omit<StoredObject, 'network'> & { readonly network: NetworkId | UserId }

export async function getObject(
  client: DynamoDBDocumentClient,
  key: ObjectKey,
): Promise<StoredObject | undefined> {
  const { collection, id } = key
  const get = new GetCommand({
    TableName: tableName('Objects'),
    Key: { collection, id },
    ConsistentRead: true,
  })
  const item = (await client.send(get)).Item as ObjectItem | undefined
  return item && toObject(item)
}

export async function getObjects(
  client: DynamoDBDocumentClient,
  collection: string,
  ids: readonly string[],
): Promise<readonly StoredObject[]> {
  const keys = [...new Set(ids)].map((id) => ({ collection, id }))
  return (await getMany<ObjectItem>(client, 'Objects', keys)).map(toObject)
}

/** Errors: `conflict` where the id is taken. */
export async function createObject(
  client: DynamoDBDocumentClient,
  { collection, id, network, owner, value }: NewObject,
  now: number,
): Promise<StoredObject> {
  const place = network === undefined ? {} : { network }
  const maker = owner === undefined ? {} : { owner }
  const made = { collection, id, ...place, ...maker, value, createdAt: now, updatedAt: now, version: 1 }
  if (!(await put(client, made, undefined))) {
    throw new StraightwayError(
      'conflict',
      'There is an object of this id: choose another id, or change that object',
    )
  }
  return made
}

/** The whole value anew. Errors: `conflict` where it is at another version than `current`. */
export async function replaceObject(
  client: DynamoDBDocumentClient,
  current: StoredObject,
  value: JsonObject,
  now: number,
): Promise<StoredObject> {
  const next = { ...current, value, updatedAt: now, version: current.version + 1 }
  if (!(await put(client, next, current.version))) throw CHANGED
  return next
}

/** A merge patch (RFC 7396) of the value. Errors: `not-found`, `conflict`, `bad-request`, `too-large`. */
export function patchObject(
  client: DynamoDBDocumentClient,
  key: ObjectKey,
  {
    patch,
    ifVersion,
    now,
  }: { readonly patch: unknown; readonly ifVersion?: number | undefined; readonly now: number },
): Promise<StoredObject> {
  return retrying(async () => {
    const current = await getObject(client, key)
    if (current === undefined) throw new StraightwayError('not-found', 'There is no such object')
    expectVersion(current.version, ifVersion)
    return replaceObject(client, current, patched(objectValueSchema, current.value, patch), now)
  })
}

/** Errors: `conflict` where it is at another version. */
export async function deleteObject(
  client: DynamoDBDocumentClient,
  key: ObjectKey,
  version?: number,
): Promise<void> {
  const remove = new DeleteCommand({
    TableName: tableName('Objects'),
    Key: { collection: key.collection, id: key.id },
    ...(version !== undefined && isAt(version)),
  })
  if ((await unlessRefused(client.send(remove))) === undefined) throw CHANGED
}

/** Everything that is in a network, or private to a user. */
export async function deleteObjectsUnder(
  client: DynamoDBDocumentClient,
  place: NetworkId | UserId,
): Promise<void> {
  const query = {
    TableName: tableName('Objects'),
    IndexName: 'byNetwork',
    KeyConditionExpression: 'network = :place',
    ExpressionAttributeValues: { ':place': place },
  }
  for await (const page of eachPage<ObjectItem>(client, query)) {
    await forEach(page, (item) => deleteObject(client, item))
  }
}

/** Ids in order, from the first after `after`. */
export async function listObjectIds(
  client: DynamoDBDocumentClient,
  collection: string,
  limit: number,
  after?: string,
): Promise<readonly string[]> {
  const query = new QueryCommand({
    TableName: tableName('Objects'),
    KeyConditionExpression: '#collection = :collection',
    ProjectionExpression: 'id',
    ExpressionAttributeNames: { '#collection': 'collection' },
    ExpressionAttributeValues: { ':collection': collection },
    Limit: limit,
    ...(after !== undefined && { ExclusiveStartKey: { collection, id: after } }),
  })
  return ((await client.send(query)).Items ?? []).map(({ id }) => id as string)
}

async function put(client: DynamoDBDocumentClient, object: StoredObject, version: number | undefined) {
  const network = object.network ?? object.owner
  if (network === undefined)
    throw new StraightwayError('bad-request', 'An object needs a network or an owner')
  const Item: ObjectItem = { ...object, network }
  const condition =
    version === undefined ? { ConditionExpression: 'attribute_not_exists(createdAt)' } : isAt(version)
  const command = new PutCommand({ TableName: tableName('Objects'), Item, ...condition })
  return (await unlessRefused(client.send(command))) !== undefined
}

function isAt(version: number) {
  return {
    ConditionExpression: '#version = :version',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':version': version },
  }
}

function toObject({ network, ...object }: ObjectItem): StoredObject {
  return isNetwork(network) ? { ...object, network } : object
}

function isNetwork(place: NetworkId | UserId): place is NetworkId {
  return place.startsWith('n_')
}
