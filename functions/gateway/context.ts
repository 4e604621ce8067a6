/**
 * The context of the WebSocket API's functions, and the environment variables that configure it.
 *
 *   FLEET_KEY              keys of the fleet, base64 of 32 bytes each, newest first, separated by commas
 *   MANAGEMENT_ENDPOINT    management API of the WebSocket API
 *   GATEWAY_HOSTS          hosts under which peers reach this API, where a proxy stands before it (functions/proof.ts)
 *   DYNAMODB_ENDPOINT      another DynamoDB than that of AWS
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { createClient } from '../../shared/store/client.ts'
import { type Connections, createConnections } from '../../shared/store/connections.ts'
import { type Environment, required } from '../environment.ts'
import { createManagement, type Management } from '../management.ts'

export interface GatewayContext {
  readonly client: DynamoDBDocumentClient
  readonly connections: Connections
  readonly fleetKeys: readonly Uint8Array[]
  readonly management: Management
  readonly hosts?: string
  readonly now: () => number
}

export function contextFrom(env: Environment): GatewayContext {
  const client = createClient({ endpoint: env.DYNAMODB_ENDPOINT })
  return {
    client,
    ...(env.GATEWAY_HOSTS && { hosts: env.GATEWAY_HOSTS }),
    connections: createConnections(client),
    fleetKeys: required(env, 'FLEET_KEY')
      .split(',')
      .map((key) => Buffer.from(key, 'base64')),
    management: createManagement(required(env, 'MANAGEMENT_ENDPOINT')),
    now: Date.now,
  }
}
