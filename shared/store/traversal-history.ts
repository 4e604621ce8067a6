/** The technique that last worked between two networks. An entry expires unless it is confirmed within 30 days. */
import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { tableName } from './client.ts'

const KEPT_SECONDS = 30 * 24 * 3600

export interface TraversalHistoryTable {
  recall(pair: string): Promise<string | undefined>
  remember(pair: string, technique: string, nowSeconds: number): Promise<void>
}

export function createTraversalHistory(client: DynamoDBDocumentClient): TraversalHistoryTable {
  const TableName = tableName('TraversalHistory')
  return {
    async recall(pair) {
      const { Item } = await client.send(new GetCommand({ TableName, Key: { pair } }))
      return Item?.technique as string | undefined
    },
    async remember(pair, technique, nowSeconds) {
      const Item = { pair, technique, expiresAtSeconds: Math.floor(nowSeconds) + KEPT_SECONDS }
      await client.send(new PutCommand({ TableName, Item }))
    },
  }
}
