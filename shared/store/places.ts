/**
 * Places: the partitions of the index `byPlace` over which the items of one node are spread. When a node dies, all of
 * its peers are signed out at the same time, and a partition of DynamoDB accepts only 1,000 writes a second.
 */
import { type DynamoDBDocumentClient, QueryCommand, type QueryCommandInput } from '@aws-sdk/lib-dynamodb'
import type { NetworkId, NodeId, PeerId } from '../ids.ts'
import { tableName } from './client.ts'

/** Places per node. Must not be reduced while nodes serve: items at the removed places would be left behind. */
export const PLACES = 16

export type PlacedTable = 'Presence' | 'NetworkNodes'

/** The place of a peer's or a network's item at this node. */
export function placeOf(node: NodeId, id: PeerId | NetworkId): string {
  let sum = 0
  for (let i = 0; i < id.length; i++) sum = (Math.imul(sum, 31) + id.charCodeAt(i)) >>> 0
  return placeNumbered(node, sum % PLACES)
}

export function placesOf(node: NodeId): readonly string[] {
  return Array.from({ length: PLACES }, (_, i) => placeNumbered(node, i))
}

/** The query for the items at a place. They hold their keys only. */
export function atPlace(table: PlacedTable, place: string): QueryCommandInput {
  return {
    TableName: tableName(table),
    IndexName: 'byPlace',
    KeyConditionExpression: 'place = :place',
    ExpressionAttributeValues: { ':place': place },
  }
}

/** Whether the tables hold nothing of the node any more, as far as the secondary indexes show. */
export async function isVacant(client: DynamoDBDocumentClient, node: NodeId): Promise<boolean> {
  const queries = placesOf(node).flatMap((place) =>
    (['Presence', 'NetworkNodes'] as const).map((table) => ({ ...atPlace(table, place), Limit: 1 })),
  )
  const pages = await Promise.all(queries.map((query) => client.send(new QueryCommand(query))))
  return pages.every(({ Items = [] }) => Items.length === 0)
}

const placeNumbered = (node: NodeId, i: number): string => `${node}#${i}`
