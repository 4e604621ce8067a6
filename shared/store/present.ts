/**
 * The present entries of the index: in each network, one entry per peer that others see there. Its card holds what
 * the peer says of itself. A transition of a peer writes only these entries, unless the collection `peers` declares
 * live attributes as searchable.
 *
 *   - Order: entries are in the order of users and their peers, which never changes. So a search that reads them
 *     finds every peer that is present throughout.
 *   - Conflicts: an entry carries the session and version that it was written for. An older one never replaces it.
 *   - Departure: the entry of a peer that leaves stays with `until`, and expires.
 */
import { DeleteCommand, type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import type { NetworkId, PeerId, UserId } from '../ids.ts'
import { type Card, cardOf } from '../model/search/card.ts'
import { encodeValue } from '../model/search/encode.ts'
import { KEPT_MS } from '../model/search/history.ts'
import { entryOf, PRESENT, searchableMetadata } from '../model/search/terms.ts'
import { asSeenByOthers, type PresenceItem, type Status } from '../presence.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import { termOf } from './index-changes.ts'
import { forEach } from './pages.ts'
import { createUsers } from './users.ts'

/** Cost of reading a candidate: its peer, its presence and its user. */
const UNITS = 3

/** The present entry of a peer in a network. */
export interface PresentEntry {
  readonly term: string
  readonly entry: string
  readonly at: number
  readonly until?: number
  readonly expiresAtSeconds?: number
  readonly card?: Card
  readonly units?: number
  /** Not on the card, because a peer that is merely seen again writes nothing. */
  readonly lastSeenAt?: number
  /** Text whose order is that of sessions and their versions. */
  readonly order: string
}

/** State of a peer as its entries show it: it is signed in, it is away, or its user is gone. */
export type Shown = 'here' | 'away' | 'gone'

/**
 * Updates the entries of a peer to its current presence. Idempotent, at any time and in any order.
 *
 * The entries in the networks that the presence names are written before the user is read. A network that the user
 * leaves after that read has its entry removed by the reaction to the membership. One that it left before is found by
 * the read, and so is one that it has joined.
 */
export async function enterPresence(
  client: DynamoDBDocumentClient,
  peer: PeerId,
  now: () => number = Date.now,
): Promise<Shown> {
  const item = await presenceOf(client, peer)
  if (item === undefined) return 'away'
  const entered = new Set(item.networks)
  await forEach([...entered], (network) => put(client, entryOfPeer(item, network, now())))
  const owner = await createUsers(client).get(item.user)
  const mine = new Set(owner?.networks)
  const joined = [...mine].filter((network) => !entered.has(network))
  await forEach(joined, (network) => put(client, entryOfPeer(item, network, now())))
  if (item.node === undefined) return owner === undefined ? 'gone' : 'away'
  const left = [...entered].filter((network) => !mine.has(network))
  await forEach(left, (network) => enterMembership(client, network, item.user, [peer], now))
  if (joined.length > 0) await settle(client, item, mine, now)
  return 'here'
}

/**
 * Updates the entries of a user's peers in one network after the user joined or left it. Idempotent, at any time and
 * in any order.
 */
export async function enterMembership(
  client: DynamoDBDocumentClient,
  network: NetworkId,
  user: UserId,
  peers: readonly PeerId[],
  now: () => number = Date.now,
): Promise<void> {
  for (let was: boolean | undefined; ; ) {
    const is = (await networksOf(client, user)).has(network)
    if (is === was) return
    await forEach(peers, (peer) =>
      is ? enterIn(client, network, peer, now) : remove(client, network, user, peer),
    )
    was = is
  }
}

/**
 * Repairs a race: the user may have left a network after its networks were read. The removal of the entry there may
 * have come before the entry was written.
 */
async function settle(
  client: DynamoDBDocumentClient,
  { user, peer }: PresenceItem,
  entered: ReadonlySet<NetworkId>,
  now: () => number,
): Promise<void> {
  if (entered.size === 0) return
  const present = await networksOf(client, user)
  const left = [...entered].filter((network) => !present.has(network))
  await forEach(left, (network) => enterMembership(client, network, user, [peer], now))
}

async function enterIn(
  client: DynamoDBDocumentClient,
  network: NetworkId,
  peer: PeerId,
  now: () => number,
): Promise<void> {
  const item = await presenceOf(client, peer)
  if (item !== undefined) await put(client, entryOfPeer(item, network, now()))
}

async function remove(
  client: DynamoDBDocumentClient,
  network: NetworkId,
  user: UserId,
  peer: PeerId,
): Promise<void> {
  const Key = { term: presentTerm(network), entry: presentEntry(user, peer) }
  await client.send(new DeleteCommand({ TableName: tableName('SearchTerms'), Key }))
}

async function presenceOf(client: DynamoDBDocumentClient, peer: PeerId): Promise<PresenceItem | undefined> {
  const get = new GetCommand({ TableName: tableName('Presence'), Key: { peer }, ConsistentRead: true })
  return (await client.send(get)).Item as PresenceItem | undefined
}

async function networksOf(client: DynamoDBDocumentClient, user: UserId): Promise<ReadonlySet<NetworkId>> {
  return new Set((await createUsers(client).get(user))?.networks)
}

/** The sort key of a peer's entry. With an empty or highest peer it is the bound of a range over users. */
export function presentEntry(user: UserId, peer: PeerId | ''): string {
  return entryOf(encodeValue(user)!, peer)
}

export const presentTerm = (network: NetworkId): string => termOf('peer', network, PRESENT)

function entryOfPeer(item: PresenceItem, network: NetworkId, now: number): PresentEntry {
  const { user, status, custom, metadata, lastSeenAt } = asSeenByOthers(item)
  if (status === 'offline' || item.node === undefined) return goneFrom(item, network, now)
  const found = searchableMetadata(metadata)
  const names = Object.keys(found).map((name) => `metadata.${name}`.toLowerCase())
  const record = { user, status: status satisfies Status, custom, metadata: found }
  const card = cardOf(record, ['user', 'status', 'custom', ...names])
  return { ...placeIn(item, network), at: now, card, units: UNITS, lastSeenAt }
}

function goneFrom(item: PresenceItem, network: NetworkId, now: number): PresentEntry {
  const expiresAtSeconds = Math.ceil((now + KEPT_MS) / 1000)
  return { ...placeIn(item, network), at: now, until: now, expiresAtSeconds }
}

function placeIn({ peer, user, since, version }: PresenceItem, network: NetworkId) {
  const order = `${String(since).padStart(15, '0')}.${String(version).padStart(10, '0')}`
  return { term: presentTerm(network), entry: presentEntry(user, peer), order }
}

async function put(client: DynamoDBDocumentClient, Item: PresentEntry): Promise<void> {
  const write = new PutCommand({
    TableName: tableName('SearchTerms'),
    Item,
    ConditionExpression: 'attribute_not_exists(#order) OR #order <= :order',
    ExpressionAttributeNames: { '#order': 'order' },
    ExpressionAttributeValues: { ':order': Item.order },
  })
  await unlessRefused(client.send(write))
}
