/** Requests to INDEX: JSON in and out, problem details (RFC 9457) as StraightwayError. */

import { ERRORS, type ErrorCode, StraightwayError } from '../../shared/errors.ts'
import { fetchThrough, proxyFor } from '../net/proxy.ts'
import { fits, type Shape } from './shape.ts'

const TIMEOUT_MS = 10_000
/** INDEX sends less: a page has a hundred records at most. */
const MAX_ANSWER_BYTES = 16 << 20

/** That a connection was closed by its other end: by the system, and by `fetch`. */
const CLOSED_BY_OTHER = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

type FetchOptions = Parameters<typeof fetchThrough>[2]
type Query = { readonly [name: string]: string | number | undefined }

export interface RequestOptions {
  readonly query?: Query
  readonly body?: unknown
  readonly ifVersion?: number | undefined
  /** Of a POST: by it INDEX knows a request that is sent again. */
  readonly idempotencyKey?: string
  /** What the answer has; without it, any object or 204. Something that answers otherwise is not INDEX: `unavailable`. */
  readonly expects?: Shape
  /** False: no credential is sent. */
  readonly authorized?: boolean
}

export class Requests {
  /** Without a slash at its end. */
  readonly base: string
  readonly #credential: () => string | Promise<string>
  /** Ends every request. */
  readonly #stop: AbortSignal | undefined
  /** The clock of INDEX minus ours that only runs forwards; undefined before its first answer. */
  #aheadMs: number | undefined

  /** What was last asked was answered by INDEX, not by a portal or a proxy before it, or by nobody. */
  #isReached = false

  /** Throws `bad-request` where `base` is no HTTP address. `credential`: a ticket or an API key. */
  constructor(base: string, credential: () => string | Promise<string>, stop?: AbortSignal) {
    this.#stop = stop
    if (!/^https?:\/\//.test(base) || !URL.canParse(base))
      throw new StraightwayError(
        'bad-request',
        `\`index\` is an address such as https://example.com, not ${base}`,
      )
    this.base = base.replace(/\/+$/, '')
    this.#credential = credential
  }

  get isReached(): boolean {
    return this.#isReached
  }

  /** The time at INDEX in epoch milliseconds, to about a second; this device's own before its first answer. */
  get serverTime(): number {
    return this.#aheadMs === undefined ? Date.now() : performance.now() + this.#aheadMs
  }

  /** `path`: below the base; parts of it must be encoded already (see `path`). */
  async send<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const { query, body, ifVersion, idempotencyKey, expects, authorized = true } = options
    const headers = new Headers({ accept: 'application/json' })
    if (authorized) headers.set('authorization', `Bearer ${await this.#credential()}`)
    if (body !== undefined) headers.set('content-type', 'application/json')
    if (ifVersion !== undefined) headers.set('if-match', `"${ifVersion}"`)
    if (idempotencyKey !== undefined) headers.set('idempotency-key', idempotencyKey)
    const timeout = AbortSignal.timeout(TIMEOUT_MS)
    const signal = this.#stop === undefined ? timeout : AbortSignal.any([timeout, this.#stop])
    const sent = { method, headers, signal, ...(body !== undefined && { body: JSON.stringify(body) }) }
    this.#isReached = false
    const isRepeatable = method === 'GET' || idempotencyKey !== undefined
    const response = await this.#fetch(`${this.base}${path}${searchOf(query)}`, sent, isRepeatable)
    const problem = response.ok ? undefined : await problemOf(response)
    const answer = response.ok ? await this.#answerOf(response, expects) : undefined
    this.#isReached = problem?.isIndexes !== false
    if (problem !== undefined) throw problem.error
    return answer as T
  }

  /** A kept connection may just have been closed at its other end: what does no harm twice is sent once more. */
  async #fetch(url: string, init: FetchOptions, isRepeatable: boolean): Promise<Response> {
    const proxy = proxyFor(url)
    try {
      const response = await (proxy === undefined ? fetch(url, init) : fetchThrough(proxy, url, init))
      this.#learnTime(response.headers.get('date'))
      return response
    } catch (cause) {
      if (isRepeatable && isClosedByOther(cause)) return await this.#fetch(url, init, false)
      throw proxy === undefined ? this.#silent(cause) : this.#cutOff(cause)
    }
  }

  async #answerOf(response: Response, expects: Shape | undefined): Promise<unknown> {
    if (response.status === 204 && expects === undefined) return undefined
    const answer = await this.#jsonOf(response)
    if (fits(answer, expects ?? {})) return answer
    throw this.#stranger('the answer has another form')
  }

  async #jsonOf(response: Response): Promise<unknown> {
    try {
      const text = await textOf(response)
      if (text !== undefined) return JSON.parse(text)
    } catch (cause) {
      throw cause instanceof SyntaxError ? this.#stranger('it sent no JSON', cause) : this.#silent(cause)
    }
    throw this.#stranger('the answer does not end')
  }

  #silent(cause: unknown): StraightwayError {
    const detail = `INDEX at ${this.base} does not answer: check the address, and that the system runs there.`
    return new StraightwayError('unavailable', detail, { cause })
  }

  #cutOff(cause: unknown): StraightwayError {
    const why = cause instanceof Error ? cause.message : `${cause}`
    const detail = `INDEX at ${this.base} is not reached through the proxy that the environment names (HTTPS_PROXY, HTTP_PROXY, NO_PROXY): ${why}`
    return new StraightwayError('unavailable', detail, { cause })
  }

  #stranger(why: string, cause?: unknown): StraightwayError {
    return new StraightwayError('unavailable', `What answers at ${this.base} is not INDEX: ${why}.`, {
      cause,
    })
  }

  #learnTime(date: string | null): void {
    const time = Date.parse(date ?? '')
    if (!Number.isNaN(time)) this.#aheadMs = time - performance.now()
  }
}

/** A path with its parameters encoded. */
export function path(strings: TemplateStringsArray, ...parts: readonly string[]): string {
  return String.raw({ raw: strings }, ...parts.map(encodeURIComponent))
}

function searchOf(query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, `${value}`)
  return search.size === 0 ? '' : `?${search}`
}

/** Undefined if it is longer than what INDEX sends; the rest is not read. */
async function textOf({ body }: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES) return undefined
    chunks.push(chunk)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}

interface Problem {
  readonly error: StraightwayError
  /** False: of something before INDEX. */
  readonly isIndexes: boolean
}

/** Only problem details with a code of ours are INDEX's word: a captive portal, a proxy or a firewall answers 401, 403, 404. */
async function problemOf(response: Response): Promise<Problem> {
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') === true
  const { code, detail } = await detailsOf(response)
  if (isProblem && isErrorCode(code)) {
    const words = typeof detail === 'string' && detail !== '' ? detail : `${ERRORS[code].title}.`
    return { error: new StraightwayError(code, words), isIndexes: true }
  }
  const stranger = `Something between this device and INDEX answered ${response.status}: a portal to sign in at, a proxy, or a gateway that is busy.`
  const kind = response.status === 429 ? 'rate-limited' : 'unavailable'
  return { error: new StraightwayError(kind, stranger), isIndexes: false }
}

async function detailsOf(response: Response): Promise<{ code?: unknown; detail?: unknown }> {
  try {
    return Object(JSON.parse((await textOf(response)) ?? ''))
  } catch {
    return {}
  }
}

const isErrorCode = (code: unknown): code is ErrorCode =>
  typeof code === 'string' && Object.hasOwn(ERRORS, code)

function isClosedByOther(error: unknown): boolean {
  const { cause = error } = error as Error
  return CLOSED_BY_OTHER.has((cause as NodeJS.ErrnoException | undefined)?.code ?? '')
}
