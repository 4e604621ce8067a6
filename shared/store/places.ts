/**
 * A node has as many places as its items in a table are spread over: partitions of the index `byPlace`. A partition of
 * DynamoDB takes 1,000 writes a second, and a node that dies is left by all of its peers at the same time.
 */
import { type DynamoDBDocumentClient, QueryCommand, type QueryCommandInput } from '@aws-sdk/lib-dynamodb'
import type { NetworkId, NodeId, PeerId } from '../ids.ts'
import { tableName } from './client.ts'

/** Must not shrink while nodes serve: items of the places that went would be left behind. */
export const PLACES = 16

export type PlacedTable = 'Presence' | 'NetworkNodes'

/** Where the item of a peer or a network at this node is found. */
export function placeOf(node: NodeId, id: PeerId | NetworkId): string {
  let sum = 0
  for (let i = 0; i < id.length; i++) sum = (Math.imul(sum, 31) + id.charCodeAt(i)) >>> 0
  return placeNumbered(node, sum % PLACES)
}

export function placesOf(node: NodeId): readonly string[] {
  return Array.from({ length: PLACES }, (_, i) => placeNumbered(node, i))
}

/** Keys of the items at a place. */
export function atPlace(table: PlacedTable, place: string): QueryCommandInput {
  return {
    TableName: tableName(table),
    IndexName: 'byPlace',
    KeyConditionExpression: 'place = :place',
    ExpressionAttributeValues: { ':place': place },
  }
}

/** Whether the tables hold nothing of the node any more, as far as the index tells. */
export async function isVacant(client: DynamoDBDocumentClient, node: NodeId): Promise<boolean> {
  const queries = placesOf(node).flatMap((place) =>
    (['Presence', 'NetworkNodes'] as const).map((table) => ({ ...atPlace(table, place), Limit: 1 })),
  )
  const pages = await Promise.all(queries.map((query) => client.send(new QueryCommand(query))))
  return pages.every(({ Items = [] }) => Items.length === 0)
}

const placeNumbered = (node: NodeId, i: number): string => `${node}#${i}`
