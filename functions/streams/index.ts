/**
 * Updates the search index after records changed.
 *
 * A stream record only says which record may have changed; that record is then read as it is now
 * (shared/store/index-entries.ts). So records that are delivered twice, late, or in a batch that was split lead to
 * the same index. Two streams lead here: that of Collections, and that of IndexQueue, where the readers of all other
 * streams note what changed (index-note.ts).
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import type {
  DynamoDBBatchItemFailure,
  DynamoDBBatchResponse,
  DynamoDBRecord,
  DynamoDBStreamEvent,
} from 'aws-lambda'
import type { NetworkId, PeerId, UserId } from '../../shared/ids.ts'
import { createClient } from '../../shared/store/client.ts'
import type { Subject } from '../../shared/store/index-queue.ts'
import { indexCollection, indexRecord, isSaidIndexed } from '../../shared/store/indexing.ts'
import { forEach } from '../../shared/store/pages.ts'
import { createPeers } from '../../shared/store/peers.ts'
import { enterMembership, enterPresence } from '../../shared/store/present.ts'
import type { TableName } from '../../shared/store/tables.ts'
import { fromEnvironment } from '../environment.ts'
import { subjectsOf } from './subjects.ts'

export const handler = fromEnvironment(
  ({ DYNAMODB_ENDPOINT: endpoint }) => createClient({ endpoint }),
  createIndexHandler,
)

export function createIndexHandler(client: DynamoDBDocumentClient) {
  return middy<DynamoDBStreamEvent, DynamoDBBatchResponse>().handler(
    async ({ Records }: DynamoDBStreamEvent) => ({
      batchItemFailures: await indexChanges(Records, client),
    }),
  )
}

/**
 * Indexes what the records name. Returns the records to deliver again, as a partial batch response. `now`: epoch
 * milliseconds.
 */
export async function indexChanges(
  records: readonly DynamoDBRecord[],
  client: DynamoDBDocumentClient,
  now: () => number = Date.now,
): Promise<DynamoDBBatchItemFailure[]> {
  const failures: DynamoDBBatchItemFailure[] = []
  const until = now() + PATIENCE_MS
  let said: Promise<boolean> | undefined
  const context: IndexContext = { client, now, isSaidIndexed: () => (said ??= isSaidIndexed(client)) }
  await forEach(
    [...subjectsOf(records).values()],
    async ([subject, sequence]) => {
      try {
        if (now() >= until) failures.push({ itemIdentifier: sequence })
        else await REACTIONS[subject.table]?.(context, subject.keys)
      } catch (error) {
        console.error(`index: ${subject.table} ${JSON.stringify(subject.keys)}`, error)
        failures.push({ itemIdentifier: sequence })
      }
    },
    TOGETHER,
  )
  return failures
}

/** Records indexed concurrently. Each takes a handful of calls, one after the other. */
const TOGETHER = 24
/**
 * Records not begun within this time are delivered again. The rest of the function's timeout is for those in
 * progress.
 */
const PATIENCE_MS = 20_000

type Reaction = (context: IndexContext, keys: Subject['keys']) => Promise<unknown>

interface IndexContext {
  readonly client: DynamoDBDocumentClient
  readonly now: () => number
  /** True if what peers say of themselves (status, custom, metadata) is declared searchable. Read once per batch. */
  readonly isSaidIndexed: () => Promise<boolean>
}

const REACTIONS: Readonly<Partial<Record<TableName, Reaction>>> = {
  Users: ({ client, now }, { user }) => indexRecord(client, { entity: 'user' }, user!, now),
  Networks: ({ client, now }, { network }) => indexRecord(client, { entity: 'network' }, network!, now),
  Peers: ({ client, now }, { peer }) => indexRecord(client, { entity: 'peer' }, peer!, now),
  Presence: async ({ client, now, isSaidIndexed }, { peer }) => {
    if (await isSaidIndexed()) await indexRecord(client, { entity: 'peer' }, peer!, now)
    const shown = await enterPresence(client, peer as PeerId, now)
    if (shown === 'gone') await createPeers(client).erasePresence(peer as PeerId)
  },
  Objects: ({ client, now }, { collection, id }) =>
    indexRecord(client, { entity: 'object', collection }, id!, now),
  Collections: ({ client, now }, { collection }) => indexCollection(client, collection!, now),
  Memberships: async ({ client, now }, { network, user }) => {
    const peers = await createPeers(client).ofUser(user as UserId)
    await enterMembership(client, network as NetworkId, user as UserId, peers, now)
    await Promise.all([
      indexRecord(client, { entity: 'user' }, user!, now),
      forEach(peers, (peer) => indexRecord(client, { entity: 'peer' }, peer, now)),
    ])
  },
}
