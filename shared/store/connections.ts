/**
 * Whom each connection of the WebSocket API reaches: a node, for pushes, or a peer whose network drops UDP. A node has
 * several at once while it replaces its own; the newest counts.
 */
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  paginateScan,
} from '@aws-sdk/lib-dynamodb'
import type { NodeId, PeerId } from '../ids.ts'
import { tableName } from './client.ts'

interface Connected {
  /** The id that the WebSocket API gave it. */
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
  /** Newest first. */
  ofNode(node: NodeId): Promise<NodeConnection[]>
  nodes(): Promise<NodeId[]>
}

export function createConnections(client: DynamoDBDocumentClient): Connections {
  const TableName = tableName('Connections')
  /** Of nodes only: what has no `node` is not in it. */
  const byNode = { TableName, IndexName: 'byNode' }
  return {
    add: async (Item) => void (await client.send(new PutCommand({ TableName, Item }))),
    remove: async (connection) =>
      void (await client.send(new DeleteCommand({ TableName, Key: { connection } }))),
    async get(connection) {
      const get = new GetCommand({ TableName, Key: { connection }, ConsistentRead: true })
      return (await client.send(get)).Item as Connection | undefined
    },
    async ofNode(node) {
      const found: NodeConnection[] = []
      const query = {
        ...byNode,
        KeyConditionExpression: '#node = :node',
        ExpressionAttributeNames: { '#node': 'node' },
        ExpressionAttributeValues: { ':node': node },
      }
      for await (const { Items = [] } of paginateQuery({ client }, query))
        found.push(...(Items as NodeConnection[]))
      return found.sort((a, b) => b.connectedAt - a.connectedAt)
    },
    async nodes() {
      const nodes = new Set<NodeId>()
      for await (const { Items = [] } of paginateScan({ client }, byNode)) {
        for (const { node } of Items as NodeConnection[]) nodes.add(node)
      }
      return [...nodes]
    },
  }
}
