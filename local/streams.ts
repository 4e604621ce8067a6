/**
 * The event source mappings of one machine. Each reads the stream of one table and calls one Lambda handler.
 *
 * They behave as in the service with BisectBatchOnFunctionError and ReportBatchItemFailures:
 *
 * - A shard is read in order, one batch at a time. Its children are read after its end.
 * - A batch that fails is halved and retried until the failing record stands alone. Halving uses up no retry.
 * - A handler may name the records that failed. The checkpoint moves to the first of them, and the rest is delivered
 *   again.
 * - A record that fails `retries` times, or is older than `maxAgeMs`, goes to `onFailure`, and the stream continues.
 *
 * The checkpoint is saved after every batch, in a file if there is a data folder. A restart continues there, and a new
 * mapping starts at the oldest record. A batch may therefore be delivered twice, and is never lost.
 */
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams'
import { connectionConfig, tableName } from '../shared/store/client.ts'
import type { TableName } from '../shared/store/tables.ts'
import { openCheckpoints } from './streams-checkpoints.ts'
import { type FailedBatch, POLICY, type Policy, type StreamHandler } from './streams-delivery.ts'
import { StreamReader } from './streams-reader.ts'
import { StreamRecords } from './streams-records.ts'

export interface Mapping {
  readonly table: TableName
  /** Name of the function. Together with the table it names the mapping's checkpoint. */
  readonly name: string
  readonly handler: StreamHandler
}

export interface StreamsOptions {
  readonly endpoint: string
  /** Region, if the endpoint distinguishes them. */
  readonly region?: string | undefined
  readonly mappings: readonly Mapping[]
  /** Milliseconds between two reads of an idle stream; raise it if reads are expensive. Default: 200. */
  readonly idleMs?: number | undefined
  /** Folder for the checkpoints. Default: in memory. */
  readonly data?: string | undefined
  readonly policy?: Partial<Policy>
  /** Receives every record that is given up. Default: they are logged. */
  readonly onFailure?: (failed: FailedBatch) => void
}

export interface Streams {
  /** Resolves when everything written before the call has been handled or given up. */
  drain(): Promise<void>
  /** Reason why a stream cannot be read now; undefined if all are read. */
  failing(): string | undefined
  /** Waits for the batches in progress. The next start delivers the rest. */
  close(): Promise<void>
}

export async function startStreams(options: StreamsOptions): Promise<Streams> {
  const config = connectionConfig(options)
  const client = new DynamoDBStreamsClient(config)
  const records = new StreamRecords(options.endpoint, config.region)
  const checkpoints = await openCheckpoints(options.data)
  const tables = new DynamoDBClient(config)
  const readers = await Promise.all(options.mappings.map(start)).finally(() => tables.destroy())

  async function start({ table, name, handler }: Mapping): Promise<StreamReader> {
    const stream = await streamOf(tables, table)
    return new StreamReader({
      client,
      records,
      stream,
      idleMs: options.idleMs,
      checkpoints: checkpoints.of(`${table}/${name}`, stream),
      delivery: {
        name,
        handler,
        policy: { ...POLICY, ...options.policy },
        onFailure: options.onFailure ?? logFailure,
      },
    })
  }

  return {
    drain: async () => void (await Promise.all(readers.map((reader) => reader.drain()))),
    failing: () => readers.map((reader) => reader.failing).find((reason) => reason !== undefined),
    async close() {
      await Promise.all(readers.map((reader) => reader.close()))
      await checkpoints.close()
      client.destroy()
      records.close()
    },
  }
}

async function streamOf(client: DynamoDBClient, table: TableName): Promise<string> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: tableName(table) }))
  if (Table?.LatestStreamArn === undefined) throw new Error(`the table ${table} has no stream`)
  return Table.LatestStreamArn
}

function logFailure({ name, reason, error, records }: FailedBatch): void {
  const keys = records.map(({ dynamodb }) => JSON.stringify(dynamodb?.Keys)).join(' ')
  console.error(`${name}: gave up ${records.length} record(s), ${reason}: ${keys}`, error ?? '')
}
