import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { TABLES, type TableName } from './tables.ts'

export interface ClientOptions {
  /** Another DynamoDB than that of AWS: the embedded engine, an emulator. It is asked with made-up credentials. */
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
}

/** The one door to DynamoDB. Undefined attributes are left out, binary comes back as Uint8Array. */
export function createClient(options: ClientOptions = {}): DynamoDBDocumentClient {
  const client = new DynamoDBClient(connectionConfig(options))
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } })
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
