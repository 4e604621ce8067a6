import { type DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb'
import type { NetworkId, NodeId, PeerId } from '../ids.ts'
import { tableName } from './client.ts'
import { forEach } from './pages.ts'
import { signOutPeer } from './sign-out.ts'
import { writeMany } from './write-many.ts'

export interface Vacating {
  /** At most MOST_NODES. */
  readonly nodes: readonly NodeId[]
  /** Recorded as `lastSeenAt` of the nodes' peers, epoch milliseconds. */
  readonly now: number
  /** Number of this worker among `parts` workers; each clears its share of the tables. Default: one worker. */
  readonly part?: number
  readonly parts?: number
  /** Checked before every item: work stops once it returns true. Default: never. */
  readonly isOver?: () => boolean
}

/** Nodes that are cleared away together. A filter compares with each of them. */
export const MOST_NODES = 50
/**
 * Peers signed out concurrently by one worker. Its share of a table is a partition or a few, which take 1,000 writes a
 * second each.
 */
const TOGETHER = 128

/**
 * Clears away what the tables hold of dead nodes: their peers are signed out, and they are removed from their
 * networks. Peers that have signed in elsewhere meanwhile are left alone. False if the time did not suffice for the
 * whole share. May be interrupted and repeated.
 *
 * The tables are scanned once, whatever the number of nodes. An index of peers by node would be written by every
 * sign-in and sign-out: at a million peers it costs 110 dollars a month, and a scan half a cent. A dead node has not
 * written for the life of a lease, so the reads need not be consistent.
 */
export async function vacate(client: DynamoDBDocumentClient, vacating: Vacating): Promise<boolean> {
  const { nodes, now, isOver = () => false } = vacating
  if (nodes.length === 0) return true
  let isDone = true
  const unlessOver = async (work: () => Promise<unknown>) => {
    if (isOver()) isDone = false
    else await work()
  }
  const signOut = ({ peer, node }: { peer: PeerId; node: NodeId }) =>
    unlessOver(() => signOutPeer(client, { peer, node, lastSeenAt: now }))
  for await (const items of itemsAt<{ peer: PeerId; node: NodeId }>(client, 'Presence', vacating)) {
    await forEach(items, signOut, TOGETHER)
    if (!isDone) return false
  }
  for await (const Keys of itemsAt<{ network: NetworkId; node: NodeId }>(client, 'NetworkNodes', vacating)) {
    const requests = Keys.map((Key) => ({ DeleteRequest: { Key } }))
    await unlessOver(() => writeMany(client, tableName('NetworkNodes'), requests))
    if (!isDone) return false
  }
  return true
}

/** The items of the nodes in this worker's share of a table, page by page. */
async function* itemsAt<Item>(
  client: DynamoDBDocumentClient,
  table: 'Presence' | 'NetworkNodes',
  { nodes, part = 0, parts = 1 }: Vacating,
): AsyncGenerator<readonly Item[]> {
  const names = nodes.map((_, i) => `:node${i}`)
  const scan = {
    TableName: tableName(table),
    Segment: part,
    TotalSegments: parts,
    ProjectionExpression: table === 'Presence' ? 'peer, #node' : 'network, #node',
    FilterExpression: names.map((name) => `#node = ${name}`).join(' OR '),
    ExpressionAttributeNames: { '#node': 'node' },
    ExpressionAttributeValues: Object.fromEntries(nodes.map((node, i) => [names[i]!, node])),
  }
  for await (const { Items = [] } of paginateScan({ client }, scan)) yield Items as Item[]
}
