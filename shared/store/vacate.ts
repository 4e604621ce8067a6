import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { NetworkId, NodeId, PeerId } from '../ids.ts'
import { tableName } from './client.ts'
import { eachPage, forEach } from './pages.ts'
import { atPlace, placesOf } from './places.ts'
import { signOutPeer } from './sign-out.ts'
import { writeMany } from './write-many.ts'

export interface Vacating {
  readonly node: NodeId
  /** Recorded as `lastSeenAt` of the node's peers, epoch milliseconds. */
  readonly now: number
  /** Number of this worker among `parts` workers; each clears its share of the places. Default: one worker. */
  readonly part?: number
  readonly parts?: number
  /** Checked before every page: work stops once it returns true. Default: never. */
  readonly isOver?: () => boolean
}

/** Places cleared concurrently by one worker, and peers signed out concurrently at each. */
const PLACES_TOGETHER = 8
const PEERS_TOGETHER = 16

/**
 * Clears away what the tables hold of a dead node: its peers are signed out, and it is removed from its networks.
 * Peers that have signed in elsewhere meanwhile are left alone. May be interrupted and repeated: what is cleared
 * leaves the index, so the next run continues where this one ended. False if the time did not suffice for the whole
 * share.
 */
export async function vacate(client: DynamoDBDocumentClient, vacating: Vacating): Promise<boolean> {
  const { node, now, part = 0, parts = 1, isOver = () => false } = vacating
  const places = placesOf(node).filter((_, i) => i % parts === part)
  let isDone = true
  await forEach(
    places,
    async (place) => {
      const peers = await eachAt<{ peer: PeerId }>(client, 'Presence', place, isOver, (items) =>
        forEach(items, ({ peer }) => signOutPeer(client, { peer, node, lastSeenAt: now }), PEERS_TOGETHER),
      )
      const networks = await eachAt<{ network: NetworkId }>(client, 'NetworkNodes', place, isOver, (items) =>
        writeMany(
          client,
          tableName('NetworkNodes'),
          items.map(({ network }) => ({ DeleteRequest: { Key: { network, node } } })),
        ),
      )
      isDone &&= peers && networks
    },
    PLACES_TOGETHER,
  )
  return isDone
}

async function eachAt<Item>(
  client: DynamoDBDocumentClient,
  table: 'Presence' | 'NetworkNodes',
  place: string,
  isOver: () => boolean,
  work: (items: readonly Item[]) => Promise<unknown>,
): Promise<boolean> {
  // Small pages, so that a worker can stop in time.
  for await (const items of eachPage<Item>(client, { ...atPlace(table, place), Limit: 500 })) {
    if (isOver()) return false
    await work(items)
  }
  return true
}
