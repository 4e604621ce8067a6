import { checkSignal, checkText, taken } from '../shared/arguments.ts'
import { type AdminClient, adminClient } from '../shared/rest-client/admin-client.ts'
import { Requests } from '../shared/rest-client/requests.ts'
import { fetchByEnvironment } from './net/proxy.ts'

/** Options of `createAdminClient`. */
export interface AdminOptions {
  /** Base URL of INDEX. */
  readonly index: string
  /** An API key, `sw_…`. */
  readonly key: string
  /** Aborts every request of the client. */
  readonly signal?: AbortSignal
}

/** Creates a client with an API key. Throws `bad-request` if an argument is invalid or `index` is not an HTTP address. */
export function createAdminClient(options: AdminOptions): AdminClient {
  const { index, key, signal } = taken(options)
  checkText(index, 'index')
  checkText(key, 'key')
  checkSignal(signal)
  const transport = fetchByEnvironment
  return adminClient(new Requests(index, () => key, { transport, ...(signal && { stop: signal }) }))
}
