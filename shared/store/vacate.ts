/**
 * Clears away what the tables hold of dead nodes: their peers are signed out, and they are removed from their networks.
 *
 * - The tables are scanned once, whatever the number of nodes. An index of peers by node would be written by every
 *   sign-in and sign-out: at a million peers it costs 110 dollars a month, and a scan half a cent. A dead node has not
 *   written for the life of a lease, so the reads need not be consistent.
 * - A scan may take longer than one run of a worker. It then stops, and says where to go on.
 * - A node may come back at any time. After each page it is asked again which nodes are gone. What a node writes after
 *   that differs from what the page holds (`since`, `joined`), and is left alone.
 */
import { DeleteCommand, type DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb'
import type { NetworkId, NodeId, PeerId } from '../ids.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import { forEach, type Key } from './pages.ts'
import { signOutPeer } from './sign-out.ts'

export interface Vacating {
  /** At most MOST_NODES. */
  readonly nodes: readonly NodeId[]
  /** Recorded as `lastSeenAt` of the nodes' peers, epoch milliseconds. */
  readonly now: number
  /** Number of this worker among `parts` workers; each clears its share of the tables. Default: one worker. */
  readonly part?: number
  readonly parts?: number
  /** The place to go on from. Default: at the beginning. */
  readonly from?: Place | undefined
  /** Checked before every page and item: work stops once it returns true. Default: never. */
  readonly isOver?: () => boolean
  /** Returns those of the nodes that are still gone, read consistently. */
  readonly stillGone: (nodes: readonly NodeId[]) => Promise<ReadonlySet<NodeId>>
}

/** A place in the scan: a table, and the key after which to go on there. */
export interface Place {
  readonly table: 'Presence' | 'NetworkNodes'
  readonly after?: Key
}

interface Found {
  readonly node: NodeId
  /** Position in `Presence`. */
  readonly peer: PeerId
  readonly since: number
  /** Position in `NetworkNodes`. Nodes of an earlier version write no `joined`. */
  readonly network: NetworkId
  readonly joined?: string
}

/** Nodes that are cleared away together. A filter compares with each of them. */
export const MOST_NODES = 50
/**
 * Writes of one worker that are made concurrently. Its share of a table is a partition or a few, which take 1,000
 * writes a second each.
 */
const TOGETHER = 128

/**
 * Clears a share of the tables. Returns undefined once it is cleared whole, or the place to go on at. May be
 * interrupted and repeated.
 */
export async function vacate(client: DynamoDBDocumentClient, vacating: Vacating): Promise<Place | undefined> {
  const { nodes, from = { table: 'Presence' }, isOver = () => false, stillGone } = vacating
  let place: Place | undefined = nodes.length === 0 ? undefined : from
  while (place !== undefined && !isOver()) {
    const { items, next }: Page = await pageAt(client, place, vacating)
    const gone = items.length === 0 ? new Set() : await stillGone([...new Set(items.map(({ node }) => node))])
    const { table } = place
    let isWhole = true
    const clear = async (item: Found) => {
      if (isOver()) isWhole = false
      else await CLEAR[table](client, item, vacating.now)
    }
    await forEach(
      items.filter(({ node }) => gone.has(node)),
      clear,
      TOGETHER,
    )
    if (!isWhole) return place
    place = next
  }
  return place
}

const CLEAR = {
  Presence: (client: DynamoDBDocumentClient, { peer, node, since }: Found, now: number) =>
    signOutPeer(client, { peer, node, since, lastSeenAt: now }),
  async NetworkNodes(client: DynamoDBDocumentClient, { network, node, joined }: Found) {
    const leave = new DeleteCommand({
      TableName: tableName('NetworkNodes'),
      Key: { network, node },
      ConditionExpression: joined === undefined ? 'attribute_not_exists(joined)' : 'joined = :joined',
      ...(joined !== undefined && { ExpressionAttributeValues: { ':joined': joined } }),
    })
    await unlessRefused(client.send(leave))
  },
} as const

interface Page {
  readonly items: readonly Found[]
  readonly next: Place | undefined
}

/** The items of the nodes on one page of this worker's share. */
async function pageAt(
  client: DynamoDBDocumentClient,
  { table, after }: Place,
  { nodes, part = 0, parts = 1 }: Vacating,
): Promise<Page> {
  const names = nodes.map((_, i) => `:node${i}`)
  const scan = new ScanCommand({
    TableName: tableName(table),
    Segment: part,
    TotalSegments: parts,
    ProjectionExpression: table === 'Presence' ? 'peer, #node, since' : 'network, #node, joined',
    FilterExpression: names.map((name) => `#node = ${name}`).join(' OR '),
    ExpressionAttributeNames: { '#node': 'node' },
    ExpressionAttributeValues: Object.fromEntries(nodes.map((node, i) => [names[i]!, node])),
    ...(after && { ExclusiveStartKey: after }),
  })
  const { Items = [], LastEvaluatedKey: last } = await client.send(scan)
  const end: Place | undefined = table === 'Presence' ? { table: 'NetworkNodes' } : undefined
  return { items: Items as Found[], next: last === undefined ? end : { table, after: last as Key } }
}
