/**
 * INDEX for a team's own servers and scripts: one method for each operation, typed from the same definitions that INDEX
 * routes and validates by (`npm run openapi`).
 *
 *   const admin = createAdminClient({ index: 'https://…', key: 'sw_…' })
 *   const { network } = await admin.createNetwork({ body: { name: 'Chess club' } })
 *   const { items } = await admin.listUsers({ query: { filter: 'attributes.team eq "red"' } })
 */
import { StraightwayError } from '../../shared/errors.ts'
import { checkId, checkSignal, checkText, taken } from '../arguments.ts'
import { DOORS, type Operations } from './operations.ts'
import { Requests } from './requests.ts'

export type { Operations }

/** Where INDEX is and what shows who administers it. */
export interface AdminOptions {
  /** Address of INDEX. */
  readonly index: string
  /** An API key, `sw_…`. */
  readonly key: string
  /** Ends every request. */
  readonly signal?: AbortSignal
}

/** What an operation is given: parameters of its path, and what else it takes. */
export type AdminRequest<O extends keyof Operations> = Operations[O]['path'] &
  (object extends Operations[O]['query']
    ? { readonly query?: Operations[O]['query'] }
    : { readonly query: Operations[O]['query'] }) &
  (undefined extends Operations[O]['body'] ? object : { readonly body: Operations[O]['body'] }) &
  /** Refused with `precondition-failed` if the thing has another version meanwhile. */
  (Operations[O]['conditional'] extends true ? { readonly ifVersion?: number } : object) & {
    /** Of a POST: the same work is done once, whoever sends it again. One of its own for each call without. */
    readonly idempotencyKey?: string
  }

/** Every method rejects with a StraightwayError. */
export type AdminClient = {
  readonly [O in keyof Operations]: (
    ...request: object extends AdminRequest<O> ? [request?: AdminRequest<O>] : [request: AdminRequest<O>]
  ) => Promise<Operations[O]['answer']>
}

/** A request whose answer was lost is sent again this often. PATCH is not, as it may have been made. */
const ATTEMPTS = 3

/** Throws `bad-request` (an argument; `index` is an HTTP address). */
export function createAdminClient(options: AdminOptions): AdminClient {
  const { index, key, signal } = taken(options)
  checkText(index, 'index')
  checkText(key, 'key')
  checkSignal(signal)
  const requests = new Requests(index, () => key, signal)
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
