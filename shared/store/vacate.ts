import { DeleteCommand, type DynamoDBDocumentClient, type QueryCommandInput } from '@aws-sdk/lib-dynamodb'
import type { NetworkId, NodeId, PeerId } from '../ids.ts'
import { tableName } from './client.ts'
import { eachPage, forEach } from './pages.ts'
import { signOutPeer } from './sign-out.ts'

/**
 * Clears away what the tables hold of a node that is no more: its peers are offline, its networks have one node less.
 * Peers that have signed in elsewhere meanwhile stay where they are. Can be interrupted and repeated.
 */
export async function vacate(client: DynamoDBDocumentClient, node: NodeId, now: number): Promise<void> {
  for await (const items of eachPage<{ peer: PeerId }>(client, byNode('Presence', node))) {
    await forEach(items, ({ peer }) => signOutPeer(client, { peer, node, lastSeenAt: now }))
  }
  const TableName = tableName('NetworkNodes')
  for await (const items of eachPage<{ network: NetworkId }>(client, byNode('NetworkNodes', node))) {
    await forEach(items, ({ network }) =>
      client.send(new DeleteCommand({ TableName, Key: { network, node } })),
    )
  }
}

function byNode(table: 'Presence' | 'NetworkNodes', node: NodeId): QueryCommandInput {
  return {
    TableName: tableName(table),
    IndexName: 'byNode',
    KeyConditionExpression: '#node = :node',
    ExpressionAttributeNames: { '#node': 'node' },
    ExpressionAttributeValues: { ':node': node },
  }
}
