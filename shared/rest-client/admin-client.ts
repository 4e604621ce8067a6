/**
 * A client of INDEX for a team's own servers and scripts. It has one method for each operation. The types come from the
 * same definitions by which INDEX routes and validates requests (`npm run openapi`).
 *
 *   const admin = createAdminClient({ index: 'https://…', key: 'sw_…' })
 *   const { network } = await admin.createNetwork({ body: { name: 'Chess club' } })
 *   const { items } = await admin.listUsers({ query: { filter: 'attributes.team eq "red"' } })
 */
import { checkId, taken } from '../arguments.ts'
import { StraightwayError } from '../errors.ts'
import { DOORS, type Operations } from './operations.ts'
import type { Requests } from './requests.ts'

export type { Operations }

/** Request of an operation: the parameters of its path, and its query, body and conditions if it has them. */
export type AdminRequest<O extends keyof Operations> = Operations[O]['path'] &
  (object extends Operations[O]['query']
    ? { readonly query?: Operations[O]['query'] }
    : { readonly query: Operations[O]['query'] }) &
  (undefined extends Operations[O]['body'] ? object : { readonly body: Operations[O]['body'] }) &
  /** The request fails with `precondition-failed` if the resource now has another version. */
  (Operations[O]['conditional'] extends true ? { readonly ifVersion?: number } : object) & {
    /**
     * Idempotency key of a POST: requests with the same key take effect once, even if they are sent again. Default: a
     * new key for each call.
     */
    readonly idempotencyKey?: string
  }

/** One method for each operation of INDEX. Every method rejects with a StraightwayError. */
export type AdminClient = {
  readonly [O in keyof Operations]: (
    ...request: object extends AdminRequest<O> ? [request?: AdminRequest<O>] : [request: AdminRequest<O>]
  ) => Promise<Operations[O]['answer']>
}

/** Attempts in all for a request whose answer was lost. PATCH is not retried, because it may have taken effect. */
const ATTEMPTS = 3

/** Makes the methods of the client. */
export function adminClient(requests: Requests): AdminClient {
  const methods = Object.entries(DOORS).map(([operation, door]) => [
    operation,
    (request?: Given) => send(requests, door, request),
  ])
  return Object.fromEntries(methods) as AdminClient
}

interface Given {
  readonly [parameter: string]: unknown
  readonly query?: Readonly<Record<string, string | number>>
  readonly body?: unknown
  readonly ifVersion?: number
  readonly idempotencyKey?: string
}

async function send(requests: Requests, door: string, given: Given | undefined): Promise<unknown> {
  const request = taken(given, 'request')
  const [method = '', template = ''] = door.split(' ')
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const id = request[name]
    checkId(id, name)
    return encodeURIComponent(id)
  })
  const { query = {}, body, ifVersion, idempotencyKey = crypto.randomUUID() } = request
  const options = { query, ifVersion, ...(body !== undefined && { body }) }
  const sent = method === 'POST' ? { ...options, idempotencyKey } : options
  for (let attempt = 1; ; attempt++) {
    try {
      return await requests.send(method, path, sent)
    } catch (error) {
      const isLost = error instanceof StraightwayError && error.code === 'unavailable'
      if (!isLost || method === 'PATCH' || attempt === ATTEMPTS) throw error
    }
  }
}
