/** The context of every handler. Made once per process. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { createClient } from '../../shared/store/client.ts'
import type { Environment } from '../environment.ts'
import { configFrom, type RestConfig } from './config.ts'
import type { Failing } from './health.ts'
import { createIdentityProvider, type IdentityProvider } from './oidc.ts'
import { createTicketKeys, type TicketKeys } from './ticket-keys.ts'

export interface Context {
  readonly client: DynamoDBDocumentClient
  readonly config: RestConfig
  readonly ticketKeys: TicketKeys
  readonly identityProvider: IdentityProvider
  readonly now: () => number
  /** Components other than INDEX that do not work, as reported by the process that hosts INDEX. Default: none. */
  readonly failing: () => Failing
}

const NOTHING_FAILS = () => ({})

export function createContext(
  config: RestConfig,
  client: DynamoDBDocumentClient,
  now = Date.now,
  failing: Context['failing'] = NOTHING_FAILS,
): Context {
  const identityProvider = createIdentityProvider(config.oidc)
  return { client, config, ticketKeys: createTicketKeys(config), identityProvider, now, failing }
}

export function contextFrom(env: Environment): Context {
  const config = configFrom(env)
  return createContext(config, createClient({ endpoint: config.dynamodbEndpoint }))
}
