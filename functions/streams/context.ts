/**
 * The context of the stream functions, and the environment variables that configure it.
 *
 *   MANAGEMENT_ENDPOINT    management API of the WebSocket API
 *   DYNAMODB_ENDPOINT      another DynamoDB than that of AWS
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { createClient } from '../../shared/store/client.ts'
import { type Environment, required } from '../environment.ts'
import { createManagement, type Management } from '../management.ts'

export interface StreamContext {
  readonly client: DynamoDBDocumentClient
  readonly management: Management
  readonly now: () => number
}

export function contextFrom(env: Environment): StreamContext {
  return {
    client: createClient({ endpoint: env.DYNAMODB_ENDPOINT }),
    management: createManagement(required(env, 'MANAGEMENT_ENDPOINT')),
    now: Date.now,
  }
}
