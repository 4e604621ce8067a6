/**
 * Reacts to changes of permanent metadata: of users, networks, peers, objects and blocks.
 *
 *   - Changed name, attributes or value: the nodes with members of the networks concerned are told. The new value is
 *     included if it is short enough to go on to peers.
 *   - Revoked peer: every node is told, because the peer may be at any.
 *   - Changed blocks of a user: the nodes with the user's own peers are told, and those of the peers that were
 *     blocked or unblocked.
 *   - Changed `paths` of a network (what its tunnels may use): the nodes with its members are told.
 */
import { isDeepStrictEqual } from 'node:util'
import type { NetworkId, PeerId, UserId } from '../../shared/ids.ts'
import { LIMITS } from '../../shared/limits.ts'
import { ENTITY_COLLECTIONS } from '../../shared/model/collection.ts'
import type { Network } from '../../shared/model/network.ts'
import type { StoredObject } from '../../shared/model/object.ts'
import type { Peer } from '../../shared/model/peer.ts'
import type { User } from '../../shared/model/user.ts'
import { toMembers } from '../../shared/model/visibility.ts'
import { asSeenByOthers, type PresenceItem } from '../../shared/presence.ts'
import type { Push } from '../../shared/push.ts'
import type { Block } from '../../shared/store/blocks.ts'
import { createConnections } from '../../shared/store/connections.ts'
import { objectIdIn } from '../../shared/store/objects.ts'
import { getMany } from '../../shared/store/pages.ts'
import { createPeers } from '../../shared/store/peers.ts'
import { toUser, type UserItem } from '../../shared/store/users.ts'
import { fromEnvironment } from '../environment.ts'
import { createEventNote } from '../webhooks/events.ts'
import { type Audience, createAudience } from './audience.ts'
import { type Change, onChanges, type Told } from './changes.ts'
import { contextFrom, type StreamContext } from './context.ts'
import { createIndexNote } from './index-note.ts'
import { oneReader } from './one-reader.ts'
import { createPusher } from './push.ts'

/** An item of Users, Networks, Peers, Objects or Blocks. */
type Entity = UserItem | Network | Peer | StoredObject
type Item = Entity | Block

export function createMetadata(context: StreamContext) {
  return onChanges<Item, Audience>(
    createPusher(context),
    () => createAudience(context.client),
    async (change, audience) => {
      if (isOfBlock(change)) return sight(context, change, audience)
      const ofEntity = change as Change<Entity>
      const told = [
        revocation(context, ofEntity, audience),
        blocking(ofEntity, audience),
        policy(ofEntity, audience),
        description(ofEntity, audience),
      ]
      return (await Promise.all(told)).flat()
    },
  )
}

type Reaction = Promise<readonly Told[]>

async function revocation(context: StreamContext, change: Change<Entity>, audience: Audience): Reaction {
  const revoked = revokedBy(change)
  if (revoked === undefined) return []
  await endConnections(context, revoked.peer)
  return [{ nodes: await audience.everybody(), push: { kind: 'revoked', peer: revoked.peer } }]
}

async function blocking(change: Change<Entity>, audience: Audience): Reaction {
  const changed = blocksChangedBy(change)
  if (changed === undefined) return []
  const { user, blocks: version } = changed
  return [{ nodes: await audience.ofUser(user), push: { kind: 'blocks', user, version } }]
}

async function policy(change: Change<Entity>, audience: Audience): Reaction {
  const changed = pathsChangedBy(change)
  if (changed === undefined) return []
  const { network, paths } = changed
  return [{ nodes: await audience.ofNetworks([network]), push: { kind: 'paths', network, paths } }]
}

async function description(change: Change<Entity>, audience: Audience): Reaction {
  const { before, after } = change
  const seen = (entity: Entity | undefined) => entity && seenByMembers(entity, audience)
  const [was, is] = await Promise.all([seen(before), seen(after)])
  if (isDeepStrictEqual(was, is)) return []
  const networks = await networksConcerned(change, audience)
  const value = pushable(is)
  const isNew = before === undefined ? { isNew: true as const } : {}
  const push: Push = { kind: 'metadata', ...nameOf((after ?? before)!), networks, ...value, ...isNew }
  return [{ nodes: await audience.ofNetworks(networks), push }]
}

const isOfBlock = (change: Change<Item>): change is Change<Block> =>
  'blocked' in (change.after ?? change.before ?? {})

/**
 * Shows a blocked peer or user the blocking user's peers as offline, and as they are again when the block ends.
 * Nobody else is told.
 */
async function sight(
  { client }: StreamContext,
  { before, after, at }: Change<Block>,
  audience: Audience,
): Reaction {
  const { user, blocked } = (after ?? before)!
  const keys = (await createPeers(client).ofUser(user)).map((peer) => ({ peer }))
  const items = await getMany<PresenceItem>(client, 'Presence', keys)
  const nodes = isUserId(blocked) ? await audience.ofUser(blocked) : await audience.ofPeer(blocked)
  return items
    .filter(({ node, status }) => node !== undefined && status !== 'invisible')
    .map((item): Told => {
      const seen = after === undefined ? item : { ...item, status: 'offline' as const, lastSeenAt: at }
      const { networks } = item
      return { nodes, push: { kind: 'presence', record: asSeenByOthers(seen), networks, to: blocked } }
    })
}

/** Ends the peer's connections through the gateway. */
async function endConnections({ client, management }: StreamContext, peer: PeerId): Promise<void> {
  const connections = createConnections(client)
  for (const { connection } of await connections.ofPeer(peer)) {
    await management.end(connection)
    await connections.remove(connection)
  }
}

export const handler = fromEnvironment(contextFrom, (context) =>
  oneReader(createMetadata(context), createIndexNote(context.client), createEventNote(context.client)),
)

function revokedBy({ before, after }: Change<Entity>): Peer | undefined {
  if (after === undefined || !isPeer(after) || after.revokedAt === undefined) return undefined
  return before !== undefined && isPeer(before) && before.revokedAt !== undefined ? undefined : after
}

function blocksChangedBy({ before, after }: Change<Entity>): User | undefined {
  if (before === undefined || after === undefined || !isUserItem(before) || !isUserItem(after))
    return undefined
  const [old, present] = [toUser(before), toUser(after)]
  return old.blocks === present.blocks ? undefined : present
}

function pathsChangedBy({ before, after }: Change<Entity>): Network | undefined {
  if (before === undefined || after === undefined || !isNetwork(before) || !isNetwork(after)) return undefined
  return before.paths === after.paths ? undefined : after
}

async function networksConcerned(
  { before, after }: Change<Entity>,
  audience: Audience,
): Promise<readonly NetworkId[]> {
  const entities = [before, after].filter((entity) => entity !== undefined)
  const networks = await Promise.all(entities.map((entity) => networksOf(entity, audience)))
  return [...new Set(networks.flat())]
}

async function networksOf(entity: Entity, audience: Audience): Promise<readonly NetworkId[]> {
  if (isObject(entity)) return entity.network === undefined ? [] : [entity.network]
  if (isPeer(entity)) return audience.networksOfUser(entity.user)
  return isUser(entity) ? toUser(entity).networks : [entity.network]
}

/** The part of an entity that members of the same network see. The rest of the item is bookkeeping, or private. */
async function seenByMembers(entity: Entity, audience: Audience) {
  if (isObject(entity)) return entity.value
  const { name, attributes } = entity
  const { entity: kind } = nameOf(entity)
  const declared = await audience.visibilityOf(ENTITY_COLLECTIONS[kind as keyof typeof ENTITY_COLLECTIONS])
  return toMembers({ name, attributes }, declared)
}

type Name = Pick<Extract<Push, { kind: 'metadata' }>, 'entity' | 'id' | 'collection'>

function nameOf(entity: Entity): Name {
  if (isObject(entity)) return { entity: 'object', collection: entity.collection, id: objectIdIn(entity.id) }
  if (isPeer(entity)) return { entity: 'peer', id: entity.peer }
  return isUser(entity) ? { entity: 'user', id: entity.user } : { entity: 'network', id: entity.network }
}

/** The value, if it fits the datagram to a peer. Otherwise peers look it up if they need it. */
function pushable(value: unknown) {
  const short = value !== undefined && Buffer.byteLength(JSON.stringify(value)) <= LIMITS.messageBytes
  return short ? { value } : {}
}

const isUserId = (id: PeerId | UserId): id is UserId => id.startsWith('u_')
const isObject = (entity: Entity): entity is StoredObject => 'collection' in entity
const isPeer = (entity: Entity): entity is Peer => 'peer' in entity
const isUser = (entity: UserItem | Network): entity is UserItem => 'user' in entity
const isUserItem = (entity: Entity): entity is UserItem =>
  !isObject(entity) && !isPeer(entity) && isUser(entity)
const isNetwork = (entity: Entity): entity is Network =>
  !isObject(entity) && !isPeer(entity) && !isUser(entity)
