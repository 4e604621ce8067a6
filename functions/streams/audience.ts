/** Which nodes a change concerns. What was looked up is kept for the invocation it was looked up in. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { NetworkId, NodeId, PeerId, UserId } from '../../shared/ids.ts'
import type { PresenceItem } from '../../shared/presence.ts'
import { tableName } from '../../shared/store/client.ts'
import { createConnections } from '../../shared/store/connections.ts'
import { eachPage, getMany } from '../../shared/store/pages.ts'
import { peersOfUser } from '../../shared/store/peers.ts'
import { getUser } from '../../shared/store/users.ts'

export interface Audience {
  /** Nodes that have members of any of the networks online. */
  ofNetworks(networks: readonly NetworkId[]): Promise<Set<NodeId>>
  /** Where a peer is signed in: one node or none. */
  ofPeer(peer: PeerId): Promise<Set<NodeId>>
  /** Nodes at which peers of the user are signed in. */
  ofUser(user: UserId): Promise<Set<NodeId>>
  everybody(): Promise<Set<NodeId>>
  networksOfUser(user: UserId): Promise<readonly NetworkId[]>
}

export function createAudience(client: DynamoDBDocumentClient): Audience {
  const nodesOfNetwork = remembering((network: NetworkId) => readNodes(client, network))
  const everybody = remembering((_: 'all') => createConnections(client).nodes())
  return {
    async ofNetworks(networks) {
      return new Set((await Promise.all(networks.map(nodesOfNetwork))).flat())
    },
    ofPeer: (peer) => nodesOfPeers(client, [peer]),
    ofUser: async (user) => nodesOfPeers(client, await peersOfUser(client, user)),
    everybody: async () => new Set(await everybody('all')),
    networksOfUser: async (user) => (await getUser(client, user))?.networks ?? [],
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

async function nodesOfPeers(client: DynamoDBDocumentClient, peers: readonly PeerId[]): Promise<Set<NodeId>> {
  const keys = peers.map((peer) => ({ peer }))
  const items = await getMany<PresenceItem>(client, 'Presence', keys)
  return new Set(items.flatMap(({ node }) => (node === undefined ? [] : [node])))
}

function remembering<Key, Value>(look: (key: Key) => Promise<Value>): (key: Key) => Promise<Value> {
  const known = new Map<Key, Promise<Value>>()
  return (key) => {
    const value = known.get(key) ?? look(key)
    known.set(key, value)
    return value
  }
}
