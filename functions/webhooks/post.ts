/**
 * Posts to an address that a customer chose, from inside the cloud. So it
 *
 *   - connects to public addresses only. The name is resolved once, and the address that is checked is the one that is
 *     dialled: a name that resolves otherwise the next moment (DNS rebinding) gains nothing;
 *   - follows no redirect;
 *   - waits at most TIMEOUT_MS for everything, and reads at most ANSWER_BYTES of the answer.
 */
import { type LookupAddress, type LookupAllOptions, lookup as systemResolve } from 'node:dns'
import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { isPublicAddress } from './public-address.ts'

export interface Posted {
  /** Status of the answer. Undefined if there was none. */
  readonly status?: number
  /** Why there was no answer. */
  readonly failure?: string
  /** `Retry-After` of the answer in milliseconds. */
  readonly retryAfterMs?: number
}

/** Resolves a name to all of its addresses. */
export type Resolve = (
  host: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

export interface PostOptions {
  /** Lets it post to private addresses and without TLS: on a developer's machine only. */
  readonly toPrivate?: boolean
  readonly timeoutMs?: number
  /** Default: that of the operating system. */
  readonly resolve?: Resolve
}

export type Post = (url: string, headers: Readonly<Record<string, string>>, body: string) => Promise<Posted>

const TIMEOUT_MS = 10_000
const ANSWER_BYTES = 16 * 1024
/** Connections to one receiver. */
const CONNECTIONS = 8

const NOT_PUBLIC = 'the address is not public'

export function createPost({
  toPrivate = false,
  timeoutMs = TIMEOUT_MS,
  resolve = systemResolve,
}: PostOptions = {}): Post {
  const lookup = toPrivate ? undefined : publicLookup(resolve)
  const options = { keepAlive: true, maxSockets: CONNECTIONS, ...(lookup && { lookup }) }
  const agents = { http: new HttpAgent(options), https: new HttpsAgent(options) }
  return async (address, headers, body) => {
    const url = new URL(address)
    if (!toPrivate && url.protocol !== 'https:') return { failure: 'the address has no https' }
    // The lookup is not called for an address that needs none.
    const host = url.hostname.replace(/^\[|\]$/g, '')
    if (!toPrivate && isIP(host) !== 0 && !isPublicAddress(host)) return { failure: NOT_PUBLIC }
    const signal = AbortSignal.timeout(timeoutMs)
    const asked = {
      method: 'POST',
      signal,
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    }
    try {
      return url.protocol === 'https:'
        ? await sent(httpsRequest, url, { ...asked, agent: agents.https }, body)
        : await sent(httpRequest, url, { ...asked, agent: agents.http }, body)
    } catch (error) {
      return { failure: signal.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error) }
    }
  }
}

function sent(request: typeof httpRequest, url: URL, options: RequestOptions, body: string): Promise<Posted> {
  const { promise, resolve, reject } = Promise.withResolvers<Posted>()
  const outgoing = request(url, options, (answer) => {
    const { statusCode: status = 0, headers } = answer
    const seconds = Number(headers['retry-after'])
    const posted = { status, ...(seconds > 0 && { retryAfterMs: seconds * 1000 }) }
    let bytes = 0
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      // The status is known; a longer answer is not read.
      if (bytes > ANSWER_BYTES) {
        resolve(posted)
        answer.destroy()
      }
    })
    answer.on('end', () => resolve(posted))
    answer.on('error', reject)
  })
  outgoing.on('error', reject)
  outgoing.end(body)
  return promise
}

/** Resolves a name, and refuses it if any of its addresses is not public. */
const publicLookup =
  (resolve: Resolve): LookupFunction =>
  (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, addresses) => {
      const found = addresses ?? []
      if (error !== null) return callback(error, '')
      if (found.length === 0 || !found.every(({ address }) => isPublicAddress(address)))
        return callback(new Error(NOT_PUBLIC), '')
      if (options.all) return callback(null, found)
      callback(null, found[0]!.address, found[0]!.family)
    })
  }

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return `${code ?? message}`.slice(0, 128)
}
