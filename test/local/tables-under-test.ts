import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { createTables, startEngine } from '../../local/engine.ts'
import { createClient } from '../../shared/store/client.ts'

export interface TablesUnderTest {
  readonly endpoint: string
  readonly client: DynamoDBDocumentClient
  close(): Promise<void>
}

/** Starts a real engine in memory with every table, for one test file. */
export async function startTables(): Promise<TablesUnderTest> {
  const engine = await startEngine()
  const client = createClient(engine)
  await createTables(client)
  const close = async () => {
    client.destroy()
    await engine.close()
  }
  return { endpoint: engine.endpoint, client, close }
}
