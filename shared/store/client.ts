import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { unmarshallOptions } from '@aws-sdk/util-dynamodb'
import { marshallable } from './marshal.ts'
import { TABLES, type TableName } from './tables.ts'

export interface ClientOptions {
  /** Another DynamoDB than that of AWS: the embedded engine, an emulator. It is asked with made-up credentials. */
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
}

/** A number is the double that was given, also beyond the integers that a double counts one by one. */
export const READING = { wrapNumbers: Number } as const satisfies unmarshallOptions
const WRITING = { removeUndefinedValues: true, allowImpreciseNumbers: true } as const

/**
 * The one door to DynamoDB. Undefined attributes are left out, binary comes back as Uint8Array. The library adds to the options
 * it is given, so it gets its own.
 */
export function createClient(options: ClientOptions = {}): DynamoDBDocumentClient {
  const client = new DynamoDBClient(connectionConfig(options))
  const documents = DynamoDBDocumentClient.from(client, {
    marshallOptions: { ...WRITING },
    unmarshallOptions: { ...READING },
  })
  documents.middlewareStack.add((next) => (args) => next({ ...args, input: marshallable(args.input) }), {
    step: 'initialize',
    name: 'marshallable',
  })
  return documents
}

/** What any AWS client needs to reach AWS as configured, or an endpoint of our own. */
export function connectionConfig({ endpoint, region }: ClientOptions) {
  if (endpoint === undefined) return region === undefined ? {} : { region }
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  return { endpoint, region: region ?? 'local', credentials } satisfies DynamoDBClientConfig
}

/** The deployed name of a table. Two systems in one account differ by the prefix that both are deployed with. */
export function tableName(name: TableName, prefix = process.env.STRAIGHTWAY_TABLE_PREFIX ?? ''): string {
  return `${prefix}${TABLES[name].name}`
}
