/**
 * Functions that use secrets. Secrets are read from Secrets Manager before the first event, and again once they are
 * older than FRESH_MS. So every function knows a new key long before it is used (rotate.ts). Keys are never part of a
 * function's configuration, and even a function instance that runs for days learns new ones.
 *
 *   TICKET_SECRET   ARN: becomes TICKET_KEY and TICKET_KEYS
 *   FLEET_SECRET    ARN: becomes FLEET_KEY
 */
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { fleetKeysOf, ticketKeysOf } from '../../shared/secrets.ts'
import { readVersions } from '../../shared/store/secret-versions.ts'
import type { Environment } from '../environment.ts'

/**
 * Age at which keys are read again. A new key waits a day before it is used. Keys also count as old if the clock was
 * set back by more than this.
 */
export const FRESH_MS = 30 * 60_000

type Handler<Event, Invocation, Result> = (event: Event, invocation: Invocation) => Promise<Result>

export interface FreshOptions<Context, Event, Invocation, Result> {
  readonly contextFrom: (env: Environment) => Context
  readonly create: (context: Context) => Handler<Event, Invocation, Result>
  readonly env: Environment
  /** Reads the secrets, as the variables that they become. */
  readonly readKeys: () => Promise<Environment>
  readonly now: () => number
}

/**
 * A handler that is created again whenever its keys have changed. If the keys cannot be read again, it continues with
 * those that it has.
 */
export function withFreshKeys<Context, Event, Invocation, Result>(
  options: FreshOptions<Context, Event, Invocation, Result>,
): Handler<Event, Invocation, Result> {
  const { contextFrom, create, env, readKeys, now } = options
  let made: { readonly keys: string; readonly handler: Handler<Event, Invocation, Result> } | undefined
  let readAt = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | undefined

  const read = async () => {
    const keys = await readKeys()
    readAt = now()
    const text = JSON.stringify(keys)
    if (text !== made?.keys) made = { keys: text, handler: create(contextFrom({ ...env, ...keys })) }
  }
  const refresh = async () => {
    reading ??= read().finally(() => (reading = undefined))
    await reading.catch((error: unknown) => {
      if (made === undefined) throw error
      console.error('the keys could not be read again', error)
    })
  }
  return async (event, invocation) => {
    if (made === undefined || Math.abs(now() - readAt) >= FRESH_MS) await refresh()
    return made!.handler(event, invocation)
  }
}

/** `withFreshKeys` for a deployed function: reads the secrets that the environment names. */
export function withSecrets<Context, Event, Invocation, Result>(
  contextFrom: (env: Environment) => Context,
  create: (context: Context) => Handler<Event, Invocation, Result>,
): Handler<Event, Invocation, Result> {
  const client = new SecretsManagerClient()
  const { env } = process
  return withFreshKeys({ contextFrom, create, env, readKeys: () => readKeys(client, env), now: Date.now })
}

async function readKeys(client: SecretsManagerClient, env: Environment): Promise<Environment> {
  const { TICKET_SECRET, FLEET_SECRET } = env
  const [tickets, fleet] = await Promise.all([
    TICKET_SECRET ? readVersions(client, TICKET_SECRET).then(ticketKeysOf) : undefined,
    FLEET_SECRET ? readVersions(client, FLEET_SECRET).then(fleetKeysOf) : undefined,
  ])
  return {
    ...(tickets && {
      TICKET_KEY: JSON.stringify(tickets.signing),
      TICKET_KEYS: JSON.stringify(tickets.others),
    }),
    ...(fleet && { FLEET_KEY: fleet.join(',') }),
  }
}
