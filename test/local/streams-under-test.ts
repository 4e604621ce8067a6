import { DeleteCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import type { DynamoDBBatchResponse, DynamoDBRecord } from 'aws-lambda'
import { onTestFinished } from 'vitest'
import { type Streams, type StreamsOptions, startStreams } from '../../local/streams.ts'
import type { StreamHandler } from '../../local/streams-delivery.ts'
import { startTables, type TablesUnderTest } from './tables-under-test.ts'

/** Starts tables with the mailbox of one peer: a table with a stream, a partition key and a sort key. */
export async function tablesWithMail() {
  const tables = await startTables()
  onTestFinished(() => tables.close())
  const { client } = tables
  const TableName = 'Mailbox'
  const keyOf = (name: string) => ({ peer: name.split('/')[0], entry: name.split('/')[1] })
  return {
    ...tables,
    put: (name: string, value = 0) =>
      client.send(
        new PutCommand({ TableName, Item: { ...keyOf(name), value, body: Uint8Array.of(1, 2, 3) } }),
      ),
    change: (name: string, value: number) =>
      client.send(
        new UpdateCommand({
          TableName,
          Key: keyOf(name),
          UpdateExpression: 'SET #value = :value',
          ExpressionAttributeNames: { '#value': 'value' },
          ExpressionAttributeValues: { ':value': value },
        }),
      ),
    remove: (name: string) => client.send(new DeleteCommand({ TableName, Key: keyOf(name) })),
  }
}

export async function mapMail(
  { endpoint }: Pick<TablesUnderTest, 'endpoint'>,
  handler: StreamHandler,
  given: Partial<StreamsOptions> = {},
): Promise<Streams> {
  const options = { endpoint, mappings: [{ table: 'Mailbox', name: 'test', handler }] as const, ...given }
  const streams = await startStreams(options)
  onTestFinished(() => streams.close())
  return streams
}

export function nameOf({ dynamodb }: DynamoDBRecord): string {
  return `${dynamodb?.Keys?.peer?.S}/${dynamodb?.Keys?.entry?.S}`
}

/** Returns a handler that records each batch, and fails for the records chosen by `fails`. */
export function noting(
  fails: (record: DynamoDBRecord) => boolean = () => false,
  how: 'throws' | 'names' = 'names',
) {
  const batches: string[][] = []
  const handled: string[] = []
  const handler: StreamHandler = async ({ Records }): Promise<DynamoDBBatchResponse> => {
    batches.push(Records.map(nameOf))
    const failed = Records.find(fails)
    if (failed && how === 'throws') throw new Error(`cannot handle ${nameOf(failed)}`)
    const done = failed === undefined ? Records : Records.slice(0, Records.indexOf(failed))
    handled.push(...done.map(nameOf))
    return { batchItemFailures: failed ? [{ itemIdentifier: failed.dynamodb!.SequenceNumber! }] : [] }
  }
  return { handler, batches, handled }
}
