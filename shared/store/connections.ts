/** Which WebSocket connection reaches which node. Several at once while a node replaces its own; the newest counts. */
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  paginateScan,
} from '@aws-sdk/lib-dynamodb'
import type { NodeId } from '../ids.ts'
import { tableName } from './client.ts'

export interface Connection {
  /** The id that the WebSocket API gave it. */
  readonly connection: string
  readonly node: NodeId
  readonly connectedAt: number
  readonly expiresAtSeconds: number
}

export interface Connections {
  add(connection: Connection): Promise<void>
  remove(connection: string): Promise<void>
  has(connection: string): Promise<boolean>
  /** Newest first. */
  ofNode(node: NodeId): Promise<Connection[]>
  nodes(): Promise<NodeId[]>
}

export function createConnections(client: DynamoDBDocumentClient): Connections {
  const TableName = tableName('Connections')
  return {
    add: async (Item) => void (await client.send(new PutCommand({ TableName, Item }))),
    remove: async (connection) =>
      void (await client.send(new DeleteCommand({ TableName, Key: { connection } }))),
    async has(connection) {
      const get = new GetCommand({ TableName, Key: { connection }, ConsistentRead: true })
      return (await client.send(get)).Item !== undefined
    },
    async ofNode(node) {
      const found: Connection[] = []
      const query = {
        TableName,
        IndexName: 'byNode',
        KeyConditionExpression: '#node = :node',
        ExpressionAttributeNames: { '#node': 'node' },
        ExpressionAttributeValues: { ':node': node },
      }
      for await (const { Items = [] } of paginateQuery({ client }, query))
        found.push(...(Items as Connection[]))
      return found.sort((a, b) => b.connectedAt - a.connectedAt)
    },
    async nodes() {
      const nodes = new Set<NodeId>()
      for await (const { Items = [] } of paginateScan({ client }, { TableName })) {
        for (const { node } of Items as Connection[]) nodes.add(node)
      }
      return [...nodes]
    },
  }
}
