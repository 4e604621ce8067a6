import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { unmarshallOptions } from '@aws-sdk/util-dynamodb'
import { marshallable } from './marshal.ts'
import { TABLES, type TableName } from './tables.ts'

export interface ClientOptions {
  /** An endpoint other than AWS: the embedded engine or an emulator. It is called with made-up credentials. */
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
  /** Maximum number of connections. Calls beyond it wait for one that is free. Default: 50, as in the SDK. */
  readonly connections?: number | undefined
  /**
   * Longest time of a call in milliseconds, with its retries and the wait for a connection. It then rejects, and its
   * connection is free for others. Default: none, as in the SDK.
   */
  readonly callMs?: number | undefined
}

/** Numbers are read as doubles, just as they were written, also those beyond the safe integers. */
export const READING = { wrapNumbers: Number } as const satisfies unmarshallOptions
const WRITING = { removeUndefinedValues: true, allowImpreciseNumbers: true } as const

/**
 * The client for DynamoDB; every store uses one. Undefined attributes are left out; binary values are read as
 * Uint8Array. The options are copied because the library adds to those that it is given.
 */
export function createClient(options: ClientOptions = {}): DynamoDBDocumentClient {
  const client = new DynamoDBClient({ ...connectionConfig(options), ...handling(options) })
  const documents = DynamoDBDocumentClient.from(client, {
    marshallOptions: { ...WRITING },
    unmarshallOptions: { ...READING },
  })
  documents.middlewareStack.add((next) => (args) => next({ ...args, input: marshallable(args.input) }), {
    step: 'initialize',
    name: 'marshallable',
  })
  if (options.callMs !== undefined) boundCalls(documents, options.callMs)
  return documents
}

/**
 * Gives every call a time limit. Without one, a call that nobody waits for any more keeps its connection, and calls queue
 * behind it even when the tables are well again.
 */
function boundCalls(client: DynamoDBDocumentClient, callMs: number): void {
  const send = client.send.bind(client) as (command: unknown, options: object) => unknown
  const bounded = (command: unknown, options: object = {}) =>
    send(command, { abortSignal: AbortSignal.timeout(callMs), ...options })
  client.send = bounded as typeof client.send
}

function handling({ connections: maxSockets }: ClientOptions) {
  if (maxSockets === undefined) return {}
  return {
    requestHandler: { httpAgent: { maxSockets }, httpsAgent: { maxSockets } },
  } satisfies DynamoDBClientConfig
}

/** Configuration for any AWS client: AWS as the environment configures it, or an endpoint of our own. */
export function connectionConfig({ endpoint, region }: ClientOptions) {
  if (endpoint === undefined) return region === undefined ? {} : { region }
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  return { endpoint, region: region ?? 'local', credentials } satisfies DynamoDBClientConfig
}

/** The deployed name of a table. The prefix, set at deployment, tells two systems in one account apart. */
export function tableName(name: TableName, prefix = process.env.STRAIGHTWAY_TABLE_PREFIX ?? ''): string {
  return `${prefix}${TABLES[name].name}`
}
