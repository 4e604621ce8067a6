/**
 * The event source mappings of one machine: each reads the stream of one table and calls one Lambda handler.
 *
 * Semantics, those of the service with BisectBatchOnFunctionError and ReportBatchItemFailures:
 *   - a shard is read in order, one batch at a time, and its children only after it is through;
 *   - a batch that fails is halved and tried again until the record that fails stands alone; halving uses up no retry;
 *   - a handler may name the records that failed: the checkpoint moves to the lowest of them, the rest comes again;
 *   - a record that fails `retries` times, or is older than `maxAgeMs`, goes to `onFailure`, and the stream moves on.
 *
 * The checkpoint is kept after every batch, in a file where there is a data folder; a restart begins there, a new
 * mapping at the oldest record. A batch may therefore come twice, and is never lost.
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
  /** Names the function; with the table it names the mapping's checkpoint. */
  readonly name: string
  readonly handler: StreamHandler
}

export interface StreamsOptions {
  readonly endpoint: string
  /** Where the endpoint tells regions apart. */
  readonly region?: string | undefined
  readonly mappings: readonly Mapping[]
  /** Between two reads of an idle stream, where reading costs much; 200 ms without. */
  readonly idleMs?: number | undefined
  /** Folder for the checkpoints; in memory without. */
  readonly data?: string | undefined
  readonly policy?: Partial<Policy>
  /** Gets every record that is given up. Logged without. */
  readonly onFailure?: (failed: FailedBatch) => void
}

export interface Streams {
  /** Resolves when everything that was written before the call has been handled or given up. */
  drain(): Promise<void>
  /** Why a stream cannot be read at present; undefined if all are read. */
  failing(): string | undefined
  /** Lets the batches under way end; what comes after them waits for the next start. */
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
