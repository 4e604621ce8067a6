/**
 * The connections of the WebSocket API, each to a node (for pushes) or to a peer (whose network drops UDP). A node
 * has several while it replaces its own; the newest counts.
 */
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  paginateScan,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb'
import type { NodeId, PeerId } from '../ids.ts'
import { tableName } from './client.ts'

interface Connected {
  /** The id that API Gateway assigned. */
  readonly connection: string
  readonly connectedAt: number
  readonly expiresAtSeconds: number
}

export type NodeConnection = Connected & { readonly node: NodeId }
export type PeerConnection = Connected & { readonly peer: PeerId }
export type Connection = NodeConnection | PeerConnection

export interface Connections {
  add(connection: Connection): Promise<void>
  remove(connection: string): Promise<void>
  get(connection: string): Promise<Connection | undefined>
  /** The connections of a node, newest first. */
  ofNode(node: NodeId): Promise<NodeConnection[]>
  ofPeer(peer: PeerId): Promise<PeerConnection[]>
  nodes(): Promise<NodeId[]>
}

export function createConnections(client: DynamoDBDocumentClient): Connections {
  const TableName = tableName('Connections')
  /** Contains connections of nodes only: items without `node` are not in this index. */
  const byNode = { TableName, IndexName: 'byNode' }

  async function listed<T extends Connection>(query: QueryCommandInput): Promise<T[]> {
    const found: T[] = []
    for await (const { Items = [] } of paginateQuery({ client }, query)) found.push(...(Items as T[]))
    return found
  }

  return {
    add: async (Item) => void (await client.send(new PutCommand({ TableName, Item }))),
    remove: async (connection) =>
      void (await client.send(new DeleteCommand({ TableName, Key: { connection } }))),
    async get(connection) {
      const get = new GetCommand({ TableName, Key: { connection }, ConsistentRead: true })
      return (await client.send(get)).Item as Connection | undefined
    },
    async ofNode(node) {
      const found = await listed<NodeConnection>({ ...byNode, ...whose('node', node) })
      return found.sort((a, b) => b.connectedAt - a.connectedAt)
    },
    ofPeer: (peer) => listed({ TableName, IndexName: 'byPeer', ...whose('peer', peer) }),
    async nodes() {
      const nodes = new Set<NodeId>()
      for await (const { Items = [] } of paginateScan({ client }, byNode)) {
        for (const { node } of Items as NodeConnection[]) nodes.add(node)
      }
      return [...nodes]
    },
  }
}

const whose = (name: 'node' | 'peer', value: string) => ({
  KeyConditionExpression: '#name = :value',
  ExpressionAttributeNames: { '#name': name },
  ExpressionAttributeValues: { ':value': value },
})
