/**
 * The directory of the nodes, on DynamoDB. Each request takes one to five calls. Every rule about sessions is a
 * condition of a write, so two nodes that both hold a peer cannot undo each other's writes. A call that fails is
 * answered with `failed`.
 */
import { randomUUID } from 'node:crypto'
import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import type { Asker, Directory, DirectoryReply, DirectoryRequest } from '../directory.ts'
import { StraightwayError } from '../errors.ts'
import type { NetworkId, PeerId } from '../ids.ts'
import type { Peer } from '../model/peer.ts'
import type { Paths } from '../paths.ts'
import { asSeenByOthers, type PresenceItem, type PresenceRecord, shownAfter } from '../presence.ts'
import { createBlocks } from './blocks.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import { createMailbox } from './mailbox.ts'
import { getMany } from './pages.ts'
import { createPeers } from './peers.ts'
import { signOutPeer } from './sign-out.ts'
import { standingsOf } from './standings.ts'
import { createUsers } from './users.ts'
import { BATCH_WRITES, type WriteRequests, writeMany } from './write-many.ts'

/** Finds peers by attributes. Errors: `bad-request` if the filter cannot be parsed or planned. */
export type FindPeers = (query: {
  readonly viewer: Asker
  readonly networks: readonly NetworkId[]
  readonly filter: string
  readonly limit: number
}) => Promise<{ readonly records: readonly PresenceRecord[]; readonly more: boolean }>

type Ask<K extends DirectoryRequest['kind']> = Extract<DirectoryRequest, { kind: K }>
type Reply<K extends DirectoryReply['kind']> = Promise<Extract<DirectoryReply, { kind: K }>>

/** A session replaces older ones only, or itself if the sign-in is repeated. */
const NOT_NEWER = 'attribute_not_exists(peer) OR #since < :since OR (#since = :since AND #node = :node)'
/** The peer is still at this node, in this session. */
const SAME_SESSION = '#since = :since AND #node = :node'
const NOT_OUTDATED = `${SAME_SESSION} AND #version <= :version`

export function createDirectory(
  client: DynamoDBDocumentClient,
  { search }: { readonly search: FindPeers },
): Directory {
  const mailbox = createMailbox(client)
  return { ask: (request) => answer(request).catch(failed) }

  async function answer(request: DirectoryRequest): Promise<DirectoryReply> {
    switch (request.kind) {
      case 'signIn':
        return signIn(client, request)
      case 'standings':
        return { kind: 'standings', standings: await standingsOf(client, request.peers) }
      case 'blocks':
        return { kind: 'blocks', ...(await createBlocks(client).allOf(request.user)) }
      case 'paths':
        return { kind: 'paths', paths: await pathsOf(client, request.networks) }
      case 'update':
        return update(client, request)
      case 'signOut':
        return signOut(client, request)
      case 'locate':
        return locate(client, request)
      case 'find':
        return find(search, request)
      case 'storeMail':
        return { kind: 'storeMail', outcome: await mailbox.store(request, request.now) }
      case 'readMail':
        return { kind: 'readMail', ...(await mailbox.read(request.peer, request.limit, request.after)) }
      case 'discardMail':
        await mailbox.discard(request.peer, request.entries)
        return { kind: 'discardMail' }
      case 'joinNetworks':
        return joinNetworks(client, request)
      case 'leaveNetworks':
        return leaveNetworks(client, request)
    }
  }
}

/**
 * Signs a peer in. Writes the item before it reads the standing: changes after that read are pushed to the node,
 * because the item says that the peer is there.
 */
async function signIn(client: DynamoDBDocumentClient, { item }: Ask<'signIn'>): Reply<'signIn'> {
  const [before] = await standingsOf(client, [item])
  if (before === undefined) return { kind: 'signIn', outcome: 'revoked' }
  const put = new PutCommand({
    TableName: tableName('Presence'),
    Item: { ...item, ...before, ...(await shownOf(client, item)) },
    ConditionExpression: NOT_NEWER,
    ExpressionAttributeNames: { '#since': 'since', '#node': 'node' },
    ExpressionAttributeValues: { ':since': item.since, ':node': item.node },
    ReturnValues: 'ALL_OLD',
  })
  const taken = await unlessRefused(client.send(put))
  if (taken === undefined) {
    const newer = await presenceOf(client, item.peer)
    return { kind: 'signIn', outcome: 'stale', since: newer?.since ?? item.since }
  }
  const [standing] = await standingsOf(client, [item])
  if (standing === undefined) return { kind: 'signIn', outcome: 'revoked' }
  const previousNode = (taken.Attributes as PresenceItem | undefined)?.node
  const moved = previousNode !== undefined && previousNode !== item.node
  return { kind: 'signIn', outcome: 'taken', standing, ...(moved && { previousNode }) }
}

async function update(client: DynamoDBDocumentClient, { item }: Ask<'update'>): Reply<'update'> {
  const put = new PutCommand({
    TableName: tableName('Presence'),
    Item: { ...item, ...(await shownOf(client, item)) },
    ConditionExpression: NOT_OUTDATED,
    ExpressionAttributeNames: { '#since': 'since', '#node': 'node', '#version': 'version' },
    ExpressionAttributeValues: { ':since': item.since, ':node': item.node, ':version': item.version },
  })
  await unlessRefused(client.send(put))
  return { kind: 'update' }
}

async function signOut(client: DynamoDBDocumentClient, request: Ask<'signOut'>): Reply<'signOut'> {
  const { peer, node, since, lastSeenAt } = request
  await signOutPeer(client, { peer, node, lastSeenAt, since })
  return { kind: 'signOut' }
}

/**
 * Locates a peer. Whether the peer is there, and whether its user blocks the asker, makes no difference to the steps, so
 * that the duration of the answer reveals nothing.
 *
 * Presence and networks are read consistently. Blocks need not be: the node of the peer judges again, by the list that
 * pushes keep current. Neither need the peer: its user never changes. One that was enrolled a moment ago is read again.
 */
async function locate(client: DynamoDBDocumentClient, { peer, asker }: Ask<'locate'>): Reply<'locate'> {
  const [Item, enrolled, askersUser] = await Promise.all([
    presenceOf(client, peer),
    enrolledSometimeAgo(client, peer),
    asker.user ??
      createPeers(client)
        .get(asker.peer)
        .then((found) => found?.user),
  ])
  const isFound = Item !== undefined || enrolled !== undefined
  const known = isFound ? enrolled : await createPeers(client).get(peer)
  const user = Item?.user ?? (known?.revokedAt === undefined ? known?.user : undefined)
  if (user === undefined) return { kind: 'locate' }
  const [owner, hidden] = await Promise.all([
    createUsers(client).get(user),
    createBlocks(client).isBlocked(
      user,
      askersUser === undefined ? [asker.peer] : [asker.peer, askersUser],
      false,
    ),
  ])
  const { networks = [], blocks = 0 } = owner ?? {}
  const { node, since, status, prekey } = Item ?? { since: 0, status: 'offline' as const }
  const located = { peer, user, since, status, networks, blocks, hidden }
  return { kind: 'locate', located: { ...located, ...(node && { node }), ...(prekey && { prekey }) } }
}

/** The peer, as it was a moment ago. Half the price of the peer as it is. */
async function enrolledSometimeAgo(client: DynamoDBDocumentClient, peer: PeerId): Promise<Peer | undefined> {
  return (await getMany<Peer>(client, 'Peers', [{ peer }], false))[0]
}

/** The view of an invisible peer that others keep seeing. Costs a read for such a peer only. */
async function shownOf(
  client: DynamoDBDocumentClient,
  item: PresenceRecord,
): Promise<Pick<PresenceItem, 'shown'>> {
  return item.status === 'invisible' ? shownAfter(await presenceOf(client, item.peer), item) : {}
}

async function presenceOf(client: DynamoDBDocumentClient, peer: PeerId): Promise<PresenceItem | undefined> {
  const get = new GetCommand({ TableName: tableName('Presence'), Key: { peer }, ConsistentRead: true })
  return (await client.send(get)).Item as PresenceItem | undefined
}

async function pathsOf(
  client: DynamoDBDocumentClient,
  networks: readonly NetworkId[],
): Promise<readonly Paths[]> {
  const keys = networks.map((network) => ({ network }))
  const found = await getMany<{ network: NetworkId; paths?: Paths }>(client, 'Networks', keys)
  const paths = new Map(found.map((item) => [item.network, item.paths]))
  return networks.map((network) => paths.get(network) ?? 'auto')
}

/**
 * Registers the node for the networks before it reads them: changes after the read are pushed to the node. `joined`
 * differs each time, so that the reaper does not remove the item of a node that has come back (vacate.ts).
 */
async function joinNetworks(
  client: DynamoDBDocumentClient,
  { networks, node }: Ask<'joinNetworks'>,
): Reply<'joinNetworks'> {
  const joined = randomUUID()
  const items = networks.map((network) => ({ network, node, joined }))
  await writeNodes(
    client,
    items.map((Item) => ({ PutRequest: { Item } })),
  )
  return { kind: 'joinNetworks', paths: await pathsOf(client, networks) }
}

async function leaveNetworks(
  client: DynamoDBDocumentClient,
  { networks, node }: Ask<'leaveNetworks'>,
): Reply<'leaveNetworks'> {
  await writeNodes(
    client,
    networks.map((network) => ({ DeleteRequest: { Key: { network, node } } })),
  )
  return { kind: 'leaveNetworks' }
}

/** Writes all batches at the same time, so that the writes of one request take one round trip. */
async function writeNodes(client: DynamoDBDocumentClient, requests: WriteRequests): Promise<void> {
  const table = tableName('NetworkNodes')
  const batches = Array.from({ length: Math.ceil(requests.length / BATCH_WRITES) }, (_, i) =>
    requests.slice(i * BATCH_WRITES, (i + 1) * BATCH_WRITES),
  )
  await Promise.all(batches.map((batch) => writeMany(client, table, batch)))
}

async function find(
  search: FindPeers,
  { asker: viewer, networks, filter, limit }: Ask<'find'>,
): Reply<'find'> {
  try {
    const { records, more } = await search({ viewer, networks, filter, limit })
    const others = records.filter(({ peer }) => peer !== viewer.peer)
    return { kind: 'find', found: others.map(asSeenByOthers), more }
  } catch (error) {
    if (!(error instanceof StraightwayError && error.code === 'bad-request')) throw error
    return { kind: 'find', found: [], more: false, invalid: error.message }
  }
}

const failed = (error: unknown): DirectoryReply => ({
  kind: 'failed',
  detail: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
})
