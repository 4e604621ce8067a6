import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { NetworkId, NodeId, PeerId } from '../ids.ts'
import { tableName } from './client.ts'
import { eachPage, forEach } from './pages.ts'
import { atPlace, placesOf } from './places.ts'
import { signOutPeer } from './sign-out.ts'
import { writeMany } from './write-many.ts'

export interface Vacating {
  readonly node: NodeId
  /** When its peers were last seen, epoch milliseconds. */
  readonly now: number
  /** Of several workers, which one this is: each takes its share of the places. Default: the only one. */
  readonly part?: number
  readonly parts?: number
  /** Asked before every page; work stops where it says so. Default: never. */
  readonly isOver?: () => boolean
}

/** Places that one worker clears at the same time, and peers of each that are signed out at the same time. */
const PLACES_TOGETHER = 8
const PEERS_TOGETHER = 16

/**
 * Clears away what the tables hold of a node that is no more: its peers are offline, its networks have one node less.
 * Peers that have signed in elsewhere meanwhile stay where they are. Can be interrupted and repeated: what is cleared is
 * out of the index, so the next run begins where this one ended. False if there was no time for all of its share.
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
  // A page as small as a worker clears in a moment, so that it ends in time.
  for await (const items of eachPage<Item>(client, { ...atPlace(table, place), Limit: 500 })) {
    if (isOver()) return false
    await work(items)
  }
  return true
}
