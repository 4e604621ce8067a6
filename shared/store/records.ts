/**
 * The records of every entity as search needs them: the answer, the values that a filter is evaluated on, and the
 * scopes in which they may be found now. An index entry only proposes a record; what is read here decides.
 */
import { type DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb'
import type { Asker } from '../directory.ts'
import type { NetworkId, PeerId, UserId } from '../ids.ts'
import { DEFAULT_SEARCHABLE, ENTITY_COLLECTIONS, type Entity } from '../model/collection.ts'
import { jsonBytes } from '../model/json.ts'
import type { Network } from '../model/network.ts'
import { placeOf, type StoredObject } from '../model/object.ts'
import { hiddenSince, type PeerWithPresence } from '../model/peer.ts'
import { foldedName } from '../model/search/fold.ts'
import { EVERYTHING, searchableMetadata } from '../model/search/terms.ts'
import type { User } from '../model/user.ts'
import type { Declared } from '../model/visibility.ts'
import { createBlocks } from './blocks.ts'
import { tableName } from './client.ts'
import { createCollections } from './collections.ts'
import { createNetworks } from './networks.ts'
import { createObjects, objectKeyOf } from './objects.ts'
import { createPeers } from './peers.ts'
import { createUsers } from './users.ts'

export interface Documents {
  user: Pick<User, 'user' | 'name' | 'attributes' | 'createdAt' | 'updatedAt' | 'version'>
  network: Network
  peer: PeerWithPresence
  object: StoredObject
}

export type Scope = NetworkId | UserId | typeof EVERYTHING

export interface FoundRecord<E extends Entity = Entity> {
  readonly id: string
  readonly scopes: readonly Scope[]
  readonly document: Documents[E]
  /** The values that a filter names; see shared/model/README.md. */
  readonly filterable: object
  /** Cost of reading the record, in units of 4 KB. */
  readonly units: number
  /**
   * Set on peers of a user that blocks the viewer. No search by live attributes finds them, whatever their presence
   * is.
   */
  readonly isHidden?: true
}

/** One kind of record: an entity, or the objects of a collection. */
export interface Kind<E extends Entity = Entity> {
  readonly entity: E
  readonly collection?: string | undefined
  /**
   * The asker that the records are shown to: it sees peers of users that block it as offline. Undefined for an API
   * key, which sees everything.
   */
  readonly viewer?: Asker | undefined
}

const UNIT_BYTES = 4096

/** The name of the kind in the index. */
export function indexNameOf({ entity, collection }: Kind): string {
  return collection === undefined ? entity : `${entity}/${collection}`
}

/** The records that exist, in any order. */
export async function readRecords<E extends Entity>(
  client: DynamoDBDocumentClient,
  { entity, collection = '', viewer }: Kind<E>,
  ids: readonly string[],
): Promise<readonly FoundRecord<E>[]> {
  const read: { readonly [K in Entity]: () => Promise<readonly FoundRecord<K>[]> } = {
    user: () => readUsers(client, ids as readonly UserId[]),
    network: () => readNetworks(client, ids as readonly NetworkId[]),
    peer: () => readPeers(client, ids as readonly PeerId[], viewer),
    object: () => readObjects(client, collection, ids),
  }
  return read[entity]()
}

export interface SearchableAttributes {
  /** Dotted paths by which records of the kind are indexed. */
  readonly entered: readonly string[]
  /** The paths by which all of them are already indexed, lower case. */
  readonly indexed: ReadonlySet<string>
  /** The paths at which some record may have several values, lower case. */
  readonly several: ReadonlySet<string>
  /** The visibility of attributes, as declared. */
  readonly visibility: Declared
}

export async function searchableOf(
  client: DynamoDBDocumentClient,
  { entity, collection }: Kind,
): Promise<SearchableAttributes> {
  const name = entity === 'object' ? collection : ENTITY_COLLECTIONS[entity]
  const declared = name === undefined ? undefined : await createCollections(client).getItem(name)
  const defaults = DEFAULT_SEARCHABLE[entity]
  const indexed = [...defaults, ...(declared?.indexed ?? [])]
  return {
    entered: [...defaults, ...(declared?.searchable ?? [])],
    indexed: new Set(indexed.map((path) => path.toLowerCase())),
    several: declared?.several ?? new Set(),
    visibility: declared?.visibility ?? {},
  }
}

/** Ids of all records of the kind, in a stable order, from the first after `after`. */
export async function listIds(
  client: DynamoDBDocumentClient,
  { entity, collection = '' }: Kind,
  limit: number,
  after: string | undefined,
): Promise<readonly string[]> {
  if (entity === 'object') return createObjects(client).listKeys(collection, limit, after)
  const TableName = tableName(({ user: 'Users', network: 'Networks', peer: 'Peers' } as const)[entity])
  const from = after === undefined ? {} : { ExclusiveStartKey: { [entity]: after } }
  const { Items = [] } = await client.send(new ScanCommand({ TableName, Limit: limit, ...from }))
  return Items.map((item) => item[entity] as string)
}

async function readUsers(
  client: DynamoDBDocumentClient,
  ids: readonly UserId[],
): Promise<FoundRecord<'user'>[]> {
  return (await createUsers(client).getMany(ids)).map(
    ({ user, name, attributes, createdAt, updatedAt, version, networks }) => {
      const document = { user, name, attributes, createdAt, updatedAt, version }
      return {
        ...{ id: user, scopes: [...networks, EVERYTHING], document, filterable: named(document) },
        units: unitsOf({ ...document, networks }),
      }
    },
  )
}

async function readNetworks(
  client: DynamoDBDocumentClient,
  ids: readonly NetworkId[],
): Promise<FoundRecord<'network'>[]> {
  return (await createNetworks(client).getMany(ids)).map((document) => {
    const { network } = document
    return {
      ...{ id: network, scopes: [network, EVERYTHING], document, filterable: named(document) },
      units: unitsOf(document),
    }
  })
}

async function readPeers(
  client: DynamoDBDocumentClient,
  ids: readonly PeerId[],
  viewer: Asker | undefined,
): Promise<FoundRecord<'peer'>[]> {
  const enrolled = (await createPeers(client).getManyWithPresence(ids)).filter(
    ({ revokedAt }) => revokedAt === undefined,
  )
  const peers = await asSeenBy(client, viewer, enrolled)
  const users = new Map(
    (await createUsers(client).getMany(peers.map(({ peer }) => peer.user))).map((user) => [user.user, user]),
  )
  return peers.flatMap(({ peer: document, isHidden }) => {
    const owner = users.get(document.user)
    if (owner === undefined) return []
    return [
      {
        id: document.peer,
        scopes: [...owner.networks, EVERYTHING],
        document,
        filterable: flattened(document),
        units: unitsOf(document) + unitsOf(owner) + 1,
        ...(isHidden && { isHidden }),
      },
    ]
  })
}

/** The document with its name folded, as filters compare it. */
const named = <T extends { readonly name: string }>(document: T): T => ({
  ...document,
  name: foldedName(document.name),
})
interface HiddenOrNot {
  readonly peer: PeerWithPresence
  readonly isHidden?: true
}

/** The peers as the viewer sees them: those of users that block it are offline. */
async function asSeenBy(
  client: DynamoDBDocumentClient,
  viewer: Asker | undefined,
  peers: readonly PeerWithPresence[],
): Promise<readonly HiddenOrNot[]> {
  if (viewer === undefined) return peers.map((peer) => ({ peer }))
  const blockedAt = await createBlocks(client).blockersAmong(
    viewer,
    peers.map(({ user }) => user),
  )
  return peers.map((one) => {
    const at = blockedAt.get(one.user)
    return at === undefined ? { peer: one } : { peer: { ...one, presence: hiddenSince(at) }, isHidden: true }
  })
}

/**
 * The values that a filter names: live attributes beside the permanent ones, and the live metadata that is
 * searchable.
 */
function flattened({ presence, ...peer }: PeerWithPresence): object {
  const { status, custom, metadata, lastSeenAt } = presence
  return { ...named(peer), status, custom, lastSeenAt, metadata: searchableMetadata(metadata) }
}

async function readObjects(
  client: DynamoDBDocumentClient,
  collection: string,
  ids: readonly string[],
): Promise<FoundRecord<'object'>[]> {
  return (await createObjects(client).getMany(collection, ids)).map((document) => {
    const place = placeOf(document)
    return {
      ...{ id: objectKeyOf(place, document.id), scopes: [place, EVERYTHING], document, filterable: document },
      units: unitsOf(document),
    }
  })
}

/**
 * The approximate size of the item in the table, in units. Large sizes are rounded up to a power of two, so that they
 * do not change with every edit.
 */
function unitsOf(item: object): number {
  const units = Math.ceil((jsonBytes(item) + 64) / UNIT_BYTES)
  return units <= 4 ? units : 2 ** Math.ceil(Math.log2(units))
}
