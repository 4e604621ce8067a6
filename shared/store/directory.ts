/**
 * The directory of nodes, on DynamoDB: every request is one to three calls, every rule about sessions a named condition,
 * so that two nodes that hold the same peer can never undo each other. A call that fails answers `failed`.
 */
import { DeleteCommand, type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import type { Directory, DirectoryReply, DirectoryRequest, Located } from '../directory.ts'
import { StraightwayError } from '../errors.ts'
import type { NetworkId, PeerId, UserId } from '../ids.ts'
import { asSeenByOthers, type PresenceItem, type PresenceRecord } from '../presence.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import { createMailbox } from './mailbox.ts'
import { getNetwork } from './networks.ts'
import { getPeer } from './peers.ts'
import { placeOf } from './places.ts'
import { signOutPeer } from './sign-out.ts'
import { getUser } from './users.ts'

/** Looks peers up by attributes. Errors: `bad-request` where the filter cannot be understood or planned. */
export type FindPeers = (query: {
  readonly networks: readonly NetworkId[]
  readonly filter: string
  readonly limit: number
}) => Promise<{ readonly records: readonly PresenceRecord[]; readonly more: boolean }>

type Ask<K extends DirectoryRequest['kind']> = Extract<DirectoryRequest, { kind: K }>
type Reply<K extends DirectoryReply['kind']> = Promise<Extract<DirectoryReply, { kind: K }>>

/** A session replaces only older ones, or itself when a sign-in is repeated. */
const NOT_NEWER = 'attribute_not_exists(peer) OR #since < :since OR (#since = :since AND #node = :node)'
/** The peer is still here, in this very session. */
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
      case 'update':
        return update(client, request)
      case 'signOut':
        return signOut(client, request)
      case 'locate':
        return locate(client, request)
      case 'find':
        return find(search, request)
      case 'storeMail':
        return { kind: 'storeMail', outcome: await mailbox.store(request.peer, request.message, request.now) }
      case 'readMail':
        return { kind: 'readMail', ...(await mailbox.read(request.peer, request.limit, request.after)) }
      case 'discardMail':
        await mailbox.discard(request.peer, request.entries)
        return { kind: 'discardMail' }
      case 'joinNetwork':
        return joinNetwork(client, request)
      case 'leaveNetwork':
        await client.send(new DeleteCommand({ TableName: tableName('NetworkNodes'), Key: nodeOf(request) }))
        return { kind: 'leaveNetwork' }
    }
  }
}

async function signIn(client: DynamoDBDocumentClient, { item }: Ask<'signIn'>): Reply<'signIn'> {
  const [peer, user] = await Promise.all([getPeer(client, item.peer), getUser(client, item.user)])
  if (peer?.revokedAt !== undefined) return { kind: 'signIn', outcome: 'revoked' }
  const put = new PutCommand({
    TableName: tableName('Presence'),
    Item: { ...item, networks: user?.networks ?? item.networks, place: placeOf(item.node, item.peer) },
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
  const previousNode = (taken.Attributes as PresenceItem | undefined)?.node
  const moved = previousNode !== undefined && previousNode !== item.node
  const standing = user && { networks: user.networks, blocks: user.blocks }
  return { kind: 'signIn', outcome: 'taken', ...(moved && { previousNode }), ...(standing && { standing }) }
}

async function update(client: DynamoDBDocumentClient, { item }: Ask<'update'>): Reply<'update'> {
  const put = new PutCommand({
    TableName: tableName('Presence'),
    Item: { ...item, place: placeOf(item.node, item.peer) },
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

async function presenceOf(client: DynamoDBDocumentClient, peer: PeerId): Promise<PresenceItem | undefined> {
  const { Item } = await client.send(
    new GetCommand({ TableName: tableName('Presence'), Key: { peer }, ConsistentRead: true }),
  )
  return Item as PresenceItem | undefined
}

async function locate(client: DynamoDBDocumentClient, { peer }: Ask<'locate'>): Reply<'locate'> {
  const item = await presenceOf(client, peer)
  if (item?.node !== undefined) return { kind: 'locate', located: toLocated(item, item.networks) }
  const user = item?.user ?? (await ownerOf(client, peer))
  if (user === undefined) return { kind: 'locate' }
  // The item of a peer that is away does not follow its user's memberships: they are asked for.
  const networks = (await getUser(client, user))?.networks ?? []
  return { kind: 'locate', located: toLocated(item ?? { peer, user, since: 0, status: 'offline' }, networks) }
}

/** In this order: what changes after it was read is pushed to the node. */
async function joinNetwork(
  client: DynamoDBDocumentClient,
  request: Ask<'joinNetwork'>,
): Reply<'joinNetwork'> {
  const Item = { ...nodeOf(request), place: placeOf(request.node, request.network) }
  await client.send(new PutCommand({ TableName: tableName('NetworkNodes'), Item }))
  const network = await getNetwork(client, request.network)
  return { kind: 'joinNetwork', paths: network?.paths ?? 'auto' }
}

async function find(search: FindPeers, { asker, ...query }: Ask<'find'>): Reply<'find'> {
  try {
    const { records, more } = await search(query)
    const others = records.filter(({ peer }) => peer !== asker)
    return { kind: 'find', found: others.map(asSeenByOthers), more }
  } catch (error) {
    if (!(error instanceof StraightwayError && error.code === 'bad-request')) throw error
    return { kind: 'find', found: [], more: false, invalid: error.message }
  }
}

async function ownerOf(client: DynamoDBDocumentClient, peer: PeerId): Promise<UserId | undefined> {
  const found = await getPeer(client, peer)
  return found?.revokedAt === undefined ? found?.user : undefined
}

function toLocated(
  { peer, user, node, since, status }: Omit<Located, 'networks'>,
  networks: readonly NetworkId[],
): Located {
  return { peer, user, ...(node !== undefined && { node }), since, status, networks }
}

const nodeOf = ({ network, node }: Ask<'joinNetwork'> | Ask<'leaveNetwork'>) => ({ network, node })

const failed = (error: unknown): DirectoryReply => ({
  kind: 'failed',
  detail: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
})
