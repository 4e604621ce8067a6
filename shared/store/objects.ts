/** Application objects. A private object is kept under its owner's id in place of a network. */
import { DeleteCommand, type DynamoDBDocumentClient, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import type { NetworkId, UserId } from '../ids.ts'
import type { Collection } from '../model/collection.ts'
import type { JsonObject } from '../model/json.ts'
import { objectValueSchema, type StoredObject } from '../model/object.ts'
import type { Ground } from '../model/permission.ts'
import { patched } from '../model/validate.ts'
import { tableName } from './client.ts'
import { groundSteps } from './grounds.ts'
import { networkIsThere, userIsThere } from './membership-steps.ts'
import { eachPage, forEach, getMany } from './pages.ts'
import { OUTDATED, type Step, transact } from './transact.ts'

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

/** Errors: `not-found` without its network or owner; OUTDATED where the id is taken or a ground holds no longer. */
export async function createObject(
  client: DynamoDBDocumentClient,
  { collection, id, network, owner, value }: NewObject,
  now: number,
  grounds: readonly Ground[] = [],
): Promise<StoredObject> {
  const place = network === undefined ? {} : { network }
  const maker = owner === undefined ? {} : { owner }
  const made = { collection, id, ...place, ...maker, value, createdAt: now, updatedAt: now, version: 1 }
  await transact(client, [put(made, undefined), ...placeSteps(made, grounds), ...groundSteps(grounds)])
  return made
}

/** A membership that the write rests on goes before its network does, so it stands for the network as well. */
function placeSteps({ network, owner }: StoredObject, grounds: readonly Ground[]): readonly Step[] {
  if (network !== undefined)
    return grounds.some((ground) => ground.network === network) ? [] : [networkIsThere(network)]
  return owner === undefined ? [] : [{ ...userIsThere({ user: owner }), refused: OUTDATED }]
}

/** The whole value anew. Errors: OUTDATED where it is at another version than `current`, or a ground holds no longer. */
export async function replaceObject(
  client: DynamoDBDocumentClient,
  current: StoredObject,
  value: JsonObject,
  now: number,
  grounds: ObjectGrounds = {},
): Promise<StoredObject> {
  const next = { ...current, value, updatedAt: now, version: current.version + 1 }
  await transact(client, [put(next, current), ...stepsOf(grounds)])
  return next
}

/**
 * The whole value anew, whatever version it is at meanwhile: of many that come at once each is made, and none has to try
 * again. The answer is the object as it is afterwards, which may be what somebody else has put since. Errors: OUTDATED where
 * it is another object than `current` by now, or a ground holds no longer.
 */
export async function overwriteObject(
  client: DynamoDBDocumentClient,
  current: StoredObject,
  value: JsonObject,
  now: number,
  grounds: ObjectGrounds = {},
): Promise<StoredObject> {
  const { collection, id, createdAt, version } = current
  const Update = {
    TableName: tableName('Objects'),
    Key: { collection, id },
    ConditionExpression: 'createdAt = :createdAt AND network = :place',
    UpdateExpression: 'SET #value = :value, updatedAt = :now ADD #version :one',
    ExpressionAttributeNames: { '#value': 'value', '#version': 'version' },
    ExpressionAttributeValues: {
      ':createdAt': createdAt,
      ':place': current.network ?? current.owner,
      ':value': value,
      ':now': now,
      ':one': 1,
    },
  }
  await transact(client, [{ refused: OUTDATED, write: { Update } }, ...stepsOf(grounds)])
  const written = { ...current, value, updatedAt: now, version: version + 1 }
  return (await getObject(client, { collection, id })) ?? written
}

export interface ObjectGrounds {
  readonly memberships?: readonly Ground[] | undefined
  /** The declaration by which every member may edit, where the right rests on it. */
  readonly declared?: Pick<Collection, 'collection' | 'version'> | undefined
}

function stepsOf({ memberships = [], declared }: ObjectGrounds): readonly Step[] {
  return [...groundSteps(memberships), ...(declared ? [isDeclaredSo(declared)] : [])]
}

function isDeclaredSo({ collection, version }: Pick<Collection, 'collection' | 'version'>): Step {
  const key = { TableName: tableName('Collections'), Key: { collection } }
  return { refused: OUTDATED, write: { ConditionCheck: { ...key, ...isAt(version) } } }
}

/** A merge patch (RFC 7396) of the value. Errors: `bad-request`, `too-large`, OUTDATED. */
export function patchObject(
  client: DynamoDBDocumentClient,
  current: StoredObject,
  patch: unknown,
  now: number,
  grounds: ObjectGrounds = {},
): Promise<StoredObject> {
  return replaceObject(client, current, patched(objectValueSchema, current.value, patch), now, grounds)
}

/** Errors: OUTDATED where it is at another version, or a ground holds no longer. */
export async function deleteObject(
  client: DynamoDBDocumentClient,
  { collection, id, version }: StoredObject,
  grounds: ObjectGrounds = {},
): Promise<void> {
  const Delete = { TableName: tableName('Objects'), Key: { collection, id }, ...isAt(version) }
  await transact(client, [{ refused: OUTDATED, write: { Delete } }, ...stepsOf(grounds)])
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
  const TableName = tableName('Objects')
  for await (const page of eachPage<ObjectItem>(client, query)) {
    await forEach(page, ({ collection, id }) =>
      client.send(new DeleteCommand({ TableName, Key: { collection, id } })),
    )
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

function put(object: StoredObject, current: StoredObject | undefined): Step {
  const network = object.network ?? object.owner
  if (network === undefined)
    throw new StraightwayError('bad-request', 'An object needs a network or an owner')
  const Item: ObjectItem = { ...object, network }
  const condition =
    current === undefined ? { ConditionExpression: 'attribute_not_exists(createdAt)' } : isAt(current.version)
  return { refused: OUTDATED, write: { Put: { TableName: tableName('Objects'), Item, ...condition } } }
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
