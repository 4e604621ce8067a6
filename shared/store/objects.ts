/**
 * Application objects. An object has one place: a network, or its owner. Ids are unique within a collection and a
 * place: so nobody can occupy an id elsewhere, or learn that it is in use there. The sort key of the table is the
 * place and the id; it is also the id of the record in the index.
 */
import { DeleteCommand, type DynamoDBDocumentClient, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import type { NetworkId, UserId } from '../ids.ts'
import type { Collection } from '../model/collection.ts'
import type { JsonObject } from '../model/json.ts'
import { objectValueSchema, type Place, placeOf, type StoredObject } from '../model/object.ts'
import type { Ground } from '../model/permission.ts'
import { patched } from '../model/validate.ts'
import { tableName } from './client.ts'
import { groundSteps } from './grounds.ts'
import { networkIsThere, userIsThere } from './membership-steps.ts'
import { eachPage, forEach, getMany } from './pages.ts'
import { OUTDATED, type Step, transact } from './transact.ts'

export interface ObjectKey {
  readonly collection: string
  readonly place: Place
  readonly id: string
}

export interface NewObject {
  readonly collection: string
  readonly id: string
  /** Without a network, the object is private to its owner. One of the two is required. */
  readonly network?: NetworkId | undefined
  readonly owner?: UserId | undefined
  readonly value: JsonObject
}

export interface ObjectGrounds {
  readonly memberships?: readonly Ground[] | undefined
  /** The declaration that lets every member edit, if the right depends on it. */
  readonly declared?: Pick<Collection, 'collection' | 'version'> | undefined
}

/** `network` holds the place, because it is the key of the secondary index. */
export type ObjectItem = Omit<StoredObject, 'network'> & { readonly network: Place }

/** The key of an object in the table and in the index. Neither part contains a slash. */
export function objectKeyOf(place: Place, id: string): string {
  return `${place}/${id}`
}

export function objectIdIn(key: string): string {
  return key.slice(key.indexOf('/') + 1)
}

/** One write of a batch, to objects of one place. Without `next` it deletes; without `current` it makes. */
export interface ObjectWrite {
  readonly current?: StoredObject | undefined
  readonly next?: StoredObject | undefined
}

export type Objects = ReturnType<typeof createObjects>

export function createObjects(client: DynamoDBDocumentClient) {
  const TableName = tableName('Objects')
  const read = async (collection: string, id: string) => {
    const get = new GetCommand({ TableName, Key: { collection, id }, ConsistentRead: true })
    const item = (await client.send(get)).Item as ObjectItem | undefined
    return item && toObject(item)
  }

  /**
   * Replaces the value. Errors: OUTDATED if the object is at another version than `current`, or if a ground no longer
   * holds.
   */
  async function replace(
    current: StoredObject,
    value: JsonObject,
    now: number,
    grounds: ObjectGrounds = {},
  ): Promise<StoredObject> {
    const next = { ...current, value, updatedAt: now, version: current.version + 1 }
    await transact(client, [put(next, current), ...stepsOf(grounds)])
    return next
  }

  return {
    get: ({ collection, place, id }: ObjectKey) => read(collection, objectKeyOf(place, id)),

    /** Objects by their keys in the table, in any order. Absent ones are left out. */
    async getMany(collection: string, keys: readonly string[]): Promise<readonly StoredObject[]> {
      const distinct = [...new Set(keys)].map((id) => ({ collection, id }))
      return (await getMany<ObjectItem>(client, 'Objects', distinct)).map(toObject)
    },

    /**
     * Makes an object. Errors: `not-found` without its network or owner; OUTDATED if the id is in use or a ground no
     * longer holds.
     */
    async create(
      { collection, id, network, owner, value }: NewObject,
      now: number,
      grounds: readonly Ground[] = [],
    ): Promise<StoredObject> {
      const place = network === undefined ? {} : { network }
      const maker = owner === undefined ? {} : { owner }
      const made = { collection, id, ...place, ...maker, value, createdAt: now, updatedAt: now, version: 1 }
      await transact(client, [put(made, undefined), ...placeSteps(made, grounds), ...groundSteps(grounds)])
      return made
    },

    replace,

    /**
     * Replaces the value whatever the version: of concurrent writes each succeeds, and none has to be retried.
     * Returns the object as it is afterwards, which may already hold a later write. Errors: OUTDATED if `current` was
     * deleted (and perhaps made anew), or if a ground no longer holds.
     */
    async overwrite(
      current: StoredObject,
      value: JsonObject,
      now: number,
      grounds: ObjectGrounds = {},
    ): Promise<StoredObject> {
      const { collection, createdAt, version } = current
      const id = keyOf(current)
      const Update = {
        TableName,
        Key: { collection, id },
        ConditionExpression: 'createdAt = :createdAt',
        UpdateExpression: 'SET #value = :value, updatedAt = :now ADD #version :one',
        ExpressionAttributeNames: { '#value': 'value', '#version': 'version' },
        ExpressionAttributeValues: { ':createdAt': createdAt, ':value': value, ':now': now, ':one': 1 },
      }
      await transact(client, [{ refused: OUTDATED, write: { Update } }, ...stepsOf(grounds)])
      const written = { ...current, value, updatedAt: now, version: version + 1 }
      return (await read(collection, id)) ?? written
    },

    /**
     * Makes all of the writes or none. Errors: `not-found` without the network; OUTDATED if an object is at another
     * version than its `current`, or if a ground no longer holds.
     */
    async writeMany(writes: readonly ObjectWrite[], grounds: ObjectGrounds): Promise<void> {
      const steps = writes.map(({ current, next }) => (next ? put(next, current) : deletes(current!)))
      const made = writes.flatMap(({ current, next }) => (next && !current ? [next] : [])).slice(0, 1)
      const places = made.flatMap((object) => placeSteps(object, grounds.memberships ?? []))
      await transact(client, [...steps, ...places, ...stepsOf(grounds)])
    },

    /** Applies a merge patch (RFC 7396) to the value. Errors: `bad-request`, `too-large`, OUTDATED. */
    patch: (current: StoredObject, patch: unknown, now: number, grounds: ObjectGrounds = {}) =>
      replace(current, patched(objectValueSchema, current.value, patch), now, grounds),

    /** Deletes an object. Errors: OUTDATED if it is at another version, or if a ground no longer holds. */
    async delete(object: StoredObject, grounds: ObjectGrounds = {}): Promise<void> {
      await transact(client, [deletes(object), ...stepsOf(grounds)])
    },

    /** Deletes every object of a network, or every private object of a user. */
    async deleteUnder(place: Place): Promise<void> {
      const query = {
        TableName,
        IndexName: 'byNetwork',
        KeyConditionExpression: 'network = :place',
        ExpressionAttributeValues: { ':place': place },
      }
      for await (const page of eachPage<ObjectItem>(client, query)) {
        await forEach(page, ({ collection, id }) =>
          client.send(new DeleteCommand({ TableName, Key: { collection, id } })),
        )
      }
    },

    /** True if the place holds any object of the collection. A change is seen after about a second. */
    async isHeld(collection: string, place: Place): Promise<boolean> {
      const query = new QueryCommand({
        TableName,
        IndexName: 'byNetwork',
        KeyConditionExpression: 'network = :place AND #collection = :collection',
        ExpressionAttributeNames: { '#collection': 'collection' },
        ExpressionAttributeValues: { ':place': place, ':collection': collection },
        Limit: 1,
      })
      return ((await client.send(query)).Items ?? []).length > 0
    },

    /** Keys in the table, in order, from the first after `after`. */
    async listKeys(collection: string, limit: number, after?: string): Promise<readonly string[]> {
      const query = new QueryCommand({
        TableName,
        KeyConditionExpression: '#collection = :collection',
        ProjectionExpression: 'id',
        ExpressionAttributeNames: { '#collection': 'collection' },
        ExpressionAttributeValues: { ':collection': collection },
        Limit: limit,
        ...(after !== undefined && { ExclusiveStartKey: { collection, id: after } }),
      })
      return ((await client.send(query)).Items ?? []).map(({ id }) => id as string)
    },
  }
}

/**
 * Conditions that the place exists. A membership that the write depends on also stands for its network, because
 * memberships are deleted first.
 */
function placeSteps({ network, owner }: StoredObject, grounds: readonly Ground[]): readonly Step[] {
  if (network !== undefined)
    return grounds.some((ground) => ground.network === network) ? [] : [networkIsThere(network)]
  return owner === undefined ? [] : [{ ...userIsThere({ user: owner }), refused: OUTDATED }]
}

function stepsOf({ memberships = [], declared }: ObjectGrounds): readonly Step[] {
  return [...groundSteps(memberships), ...(declared ? [isDeclaredSo(declared)] : [])]
}

function isDeclaredSo({ collection, version }: Pick<Collection, 'collection' | 'version'>): Step {
  const key = { TableName: tableName('Collections'), Key: { collection } }
  return { refused: OUTDATED, write: { ConditionCheck: { ...key, ...isAt(version) } } }
}

function deletes(object: StoredObject): Step {
  const { collection, version } = object
  const key = { TableName: tableName('Objects'), Key: { collection, id: keyOf(object) } }
  return { refused: OUTDATED, write: { Delete: { ...key, ...isAt(version) } } }
}

function put(object: StoredObject, current: StoredObject | undefined): Step {
  const Item: ObjectItem = { ...object, network: placeOf(object), id: keyOf(object) }
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

const keyOf = (object: StoredObject) => objectKeyOf(placeOf(object), object.id)

export function toObject({ network: place, id: key, ...rest }: ObjectItem): StoredObject {
  const object = { ...rest, id: objectIdIn(key) }
  return isNetwork(place) ? { ...object, network: place } : object
}

const isNetwork = (place: Place): place is NetworkId => place.startsWith('n_')
