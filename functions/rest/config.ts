/**
 * The configuration of INDEX, read from environment variables.
 *
 *   TICKET_KEY                private JWK (OKP, Ed25519) with `kid`: signs tickets
 *   TICKET_KEYS               JSON list of further public JWKs, for tickets of a key that is being retired
 *   TICKET_MS                 how long a ticket holds, if less than LIMITS.signInTicketMs
 *   WEBSOCKET_URL             where peers without UDP and browsers connect
 *   OIDC_ISSUER, OIDC_AUDIENCE  the team's identity provider; both or neither
 *   INDEX_HOSTS               hosts under which peers reach INDEX, where a proxy stands before API Gateway (functions/proof.ts)
 *   WEBHOOKS_TO_PRIVATE         `1` lets webhooks be private addresses without TLS: on a developer's machine only
 *   DYNAMODB_ENDPOINT         another DynamoDB than that of AWS
 *   STRAIGHTWAY_TABLE_PREFIX  read by shared/store/client.ts
 */
import { z } from 'zod'
import { StraightwayError } from '../../shared/errors.ts'
import { LIMITS } from '../../shared/limits.ts'
import type { Environment } from '../environment.ts'

const publicKeySchema = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  kid: z.string().min(1).max(16),
  x: z.string().length(43),
})
const privateKeySchema = publicKeySchema.extend({ d: z.string().length(43) })

export type PublicTicketKey = z.infer<typeof publicKeySchema>
export type PrivateTicketKey = z.infer<typeof privateKeySchema>

export interface OidcConfig {
  readonly issuer: string
  readonly audience: string
}

export interface RestConfig {
  readonly ticketKey: PrivateTicketKey
  readonly retiringTicketKeys: readonly PublicTicketKey[]
  readonly ticketMs: number
  readonly websocket: string
  readonly hosts?: string
  readonly oidc?: OidcConfig
  readonly dynamodbEndpoint?: string
  readonly privateWebhooks?: boolean
}

/** Reads the configuration. Errors: `internal` with the name of the variable that is missing or wrong. */
export function configFrom(env: Environment): RestConfig {
  const {
    OIDC_ISSUER: issuer,
    OIDC_AUDIENCE: audience,
    DYNAMODB_ENDPOINT: endpoint,
    INDEX_HOSTS: hosts,
  } = env
  if ((issuer === undefined) !== (audience === undefined))
    throw wrong('OIDC_ISSUER and OIDC_AUDIENCE go together')
  return {
    ticketKey: jsonIn(env, 'TICKET_KEY', privateKeySchema),
    retiringTicketKeys: env.TICKET_KEYS ? jsonIn(env, 'TICKET_KEYS', z.array(publicKeySchema)) : [],
    ticketMs: ticketMsIn(env),
    websocket: env.WEBSOCKET_URL ?? '',
    ...(hosts && { hosts }),
    ...(issuer && audience && { oidc: { issuer, audience } }),
    ...(env.WEBHOOKS_TO_PRIVATE === '1' && { privateWebhooks: true }),
    ...(endpoint && { dynamodbEndpoint: endpoint }),
  }
}

function ticketMsIn({ TICKET_MS: text = `${LIMITS.signInTicketMs}` }: Environment): number {
  const ms = Number(text)
  if (Number.isInteger(ms) && ms >= 1000 && ms <= LIMITS.signInTicketMs) return ms
  throw wrong(`TICKET_MS is a number from 1000 to ${LIMITS.signInTicketMs}`)
}

function jsonIn<T>(env: Environment, name: string, schema: z.ZodType<T>): T {
  const result = schema.safeParse(parsed(env[name] ?? ''))
  if (!result.success) throw wrong(`${name}: ${result.error.issues[0]?.message}`)
  return result.data
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const wrong = (detail: string) => new StraightwayError('internal', `configuration: ${detail}`)
