/**
 * Reacts to changes of what can be searched: enters the records concerned into the index again.
 *
 * A stream says which records may have changed, no more: each is read as it is now (shared/store/index-entries.ts), so
 * records that are delivered twice, late, or in a batch that was cut in half lead to the same index. The stream of
 * Collections leads here alone; those of Users, Networks, Peers, Objects, Presence and Memberships by way of their reader
 * (one-reader.ts).
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import type {
  DynamoDBBatchItemFailure,
  DynamoDBBatchResponse,
  DynamoDBRecord,
  DynamoDBStreamEvent,
} from 'aws-lambda'
import type { PeerId, UserId } from '../../shared/ids.ts'
import { createClient, tableName } from '../../shared/store/client.ts'
import { indexCollection, indexRecord } from '../../shared/store/indexing.ts'
import { forEach } from '../../shared/store/pages.ts'
import { erasePresenceOfErased, peersOfUser } from '../../shared/store/peers.ts'
import type { TableName } from '../../shared/store/tables.ts'
import { fromEnvironment } from '../environment.ts'

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

/** The records that have to come again, in the form a partial batch response has them. */
export async function indexChanges(
  records: readonly DynamoDBRecord[],
  client: DynamoDBDocumentClient,
): Promise<DynamoDBBatchItemFailure[]> {
  const failures: DynamoDBBatchItemFailure[] = []
  const subjects = [...subjectsOf(records)]
  await forEach(
    subjects,
    async ([subject, sequence]) => {
      try {
        await REACTIONS[subject.table]?.(client, subject.keys)
      } catch (error) {
        console.error(`index: ${subject.table} ${JSON.stringify(subject.keys)}`, error)
        failures.push({ itemIdentifier: sequence })
      }
    },
    TOGETHER,
  )
  return failures
}

/** Records that are entered at the same time: each is a handful of calls, one after the other. */
const TOGETHER = 24

type Keys = Readonly<Record<string, string>>
type Reaction = (client: DynamoDBDocumentClient, keys: Keys) => Promise<unknown>

interface Subject {
  readonly table: TableName
  readonly keys: Keys
}

const REACTIONS: Readonly<Partial<Record<TableName, Reaction>>> = {
  Users: (client, { user }) => indexRecord(client, { entity: 'user' }, user!),
  Networks: (client, { network }) => indexRecord(client, { entity: 'network' }, network!),
  Peers: (client, { peer }) => indexRecord(client, { entity: 'peer' }, peer!),
  Presence: async (client, { peer }) => {
    await indexRecord(client, { entity: 'peer' }, peer!)
    await erasePresenceOfErased(client, peer as PeerId)
  },
  Objects: (client, { collection, id }) => indexRecord(client, { entity: 'object', collection }, id!),
  Collections: (client, { collection }) => indexCollection(client, collection!),
  Memberships: async (client, { user }) => {
    const peers = await peersOfUser(client, user as UserId)
    await Promise.all([
      indexRecord(client, { entity: 'user' }, user!),
      forEach(peers, (peer) => indexRecord(client, { entity: 'peer' }, peer)),
    ])
  },
}

/** Each subject once, with the first record that names it: from there a failed batch comes again. */
function subjectsOf(records: readonly DynamoDBRecord[]): Iterable<[Subject, string]> {
  const subjects = new Map<string, [Subject, string]>()
  for (const { eventSourceARN, dynamodb } of records) {
    const table = tableOf(eventSourceARN ?? '')
    if (table === undefined || dynamodb?.Keys === undefined) continue
    const keys = Object.fromEntries(Object.entries(dynamodb.Keys).map(([name, { S = '' }]) => [name, S]))
    const name = JSON.stringify([table, keys])
    if (!subjects.has(name)) subjects.set(name, [{ table, keys }, dynamodb.SequenceNumber ?? ''])
  }
  return subjects.values()
}

/** arn:aws:dynamodb:region:account:table/name/stream/label */
function tableOf(arn: string): TableName | undefined {
  const [, deployed] = arn.split('/')
  return (Object.keys(REACTIONS) as TableName[]).find((name) => tableName(name) === deployed)
}
