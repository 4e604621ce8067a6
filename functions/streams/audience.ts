/** The nodes that a change concerns. Results are cached for one invocation. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { NetworkId, NodeId, PeerId, UserId } from '../../shared/ids.ts'
import type { Declared } from '../../shared/model/visibility.ts'
import type { PresenceItem } from '../../shared/presence.ts'
import { tableName } from '../../shared/store/client.ts'
import { createCollections } from '../../shared/store/collections.ts'
import { createConnections } from '../../shared/store/connections.ts'
import { eachPage, getMany } from '../../shared/store/pages.ts'
import { createPeers } from '../../shared/store/peers.ts'
import { createUsers } from '../../shared/store/users.ts'

export interface Audience {
  /** The nodes where members of any of the networks are online. */
  ofNetworks(networks: readonly NetworkId[]): Promise<Set<NodeId>>
  /** The node where the peer is signed in: one or none. */
  ofPeer(peer: PeerId): Promise<Set<NodeId>>
  /** The nodes where peers of the user are signed in. */
  ofUser(user: UserId): Promise<Set<NodeId>>
  everybody(): Promise<Set<NodeId>>
  networksOfUser(user: UserId): Promise<readonly NetworkId[]>
  /** The declared visibility of the attributes of `users`, `networks` or `peers`. */
  visibilityOf(collection: string): Promise<Declared>
}

export function createAudience(client: DynamoDBDocumentClient): Audience {
  const nodesOfNetwork = remembering((network: NetworkId) => readNodes(client, network))
  const nodeOfPeer = gathering((peers: readonly PeerId[]) => readPresence(client, peers))
  const everybody = remembering((_: 'all') => createConnections(client).nodes())
  return {
    async ofNetworks(networks) {
      return new Set((await Promise.all(networks.map(nodesOfNetwork))).flat())
    },
    ofPeer: async (peer) => new Set(await nodeOfPeer(peer)),
    async ofUser(user) {
      const nodes = await Promise.all((await createPeers(client).ofUser(user)).map(nodeOfPeer))
      return new Set(nodes.flat())
    },
    everybody: async () => new Set(await everybody('all')),
    visibilityOf: remembering(
      async (name: string) => (await createCollections(client).get(name))?.visibility ?? {},
    ),
    networksOfUser: async (user) => (await createUsers(client).get(user))?.networks ?? [],
  }
}

async function readNodes(client: DynamoDBDocumentClient, network: NetworkId): Promise<NodeId[]> {
  const nodes: NodeId[] = []
  const query = {
    TableName: tableName('NetworkNodes'),
    KeyConditionExpression: 'network = :network',
    ExpressionAttributeValues: { ':network': network },
    ConsistentRead: true,
  }
  for await (const page of eachPage<{ node: NodeId }>(client, query))
    nodes.push(...page.map(({ node }) => node))
  return nodes
}

/** The node where each peer is signed in: one or none. */
async function readPresence(
  client: DynamoDBDocumentClient,
  peers: readonly PeerId[],
): Promise<ReadonlyMap<PeerId, readonly NodeId[]>> {
  const items = await getMany<PresenceItem>(
    client,
    'Presence',
    peers.map((peer) => ({ peer })),
  )
  return new Map(items.map(({ peer, node }) => [peer, node === undefined ? [] : [node]]))
}

function remembering<Key, Value>(look: (key: Key) => Promise<Value>): (key: Key) => Promise<Value> {
  const known = new Map<Key, Promise<Value>>()
  return (key) => {
    const value = known.get(key) ?? look(key)
    known.set(key, value)
    return value
  }
}

/** Batches lookups: the keys requested within one turn of the event loop are looked up in one call, each key once. */
function gathering<Key, Value>(
  look: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, readonly Value[]>>,
): (key: Key) => Promise<readonly Value[]> {
  let wanted = new Set<Key>()
  let going: Promise<ReadonlyMap<Key, readonly Value[]>> | undefined
  return async (key) => {
    wanted.add(key)
    going ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        const keys = [...wanted]
        wanted = new Set()
        going = undefined
        look(keys).then(resolve, reject)
      })
    })
    return (await going).get(key) ?? []
  }
}
