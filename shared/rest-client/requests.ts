/** HTTP requests to INDEX: JSON in and out, and problem details (RFC 9457) as StraightwayError. */
import { ERRORS, type ErrorCode, StraightwayError } from '../errors.ts'
import { fits, type Shape } from './shape.ts'

const TIMEOUT_MS = 10_000
/** Largest answer that is read. INDEX sends less: a page has at most a hundred records. */
const MAX_ANSWER_BYTES = 16 << 20

/** Error codes of a connection that its other end closed, from the system and from `fetch`. */
const CLOSED_BY_OTHER = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/** A request as a transport sends it. */
export interface Sending {
  readonly method: string
  readonly headers: Headers
  readonly body?: string
  readonly signal: AbortSignal
}

/** Carries requests, as `fetch` does. Rejects if no answer came. */
export type Transport = (url: string, sending: Sending) => Promise<Response>

/** Rejection of a transport that knows what is in the way. The message completes "INDEX at … is not reached". */
export class Obstructed extends Error {}

type Query = { readonly [name: string]: string | number | undefined }

export interface RequestOptions {
  readonly query?: Query
  readonly body?: unknown
  readonly ifVersion?: number | undefined
  /** Idempotency key of a POST, by which INDEX recognises a request that is sent again. */
  readonly idempotencyKey?: string
  /**
   * Fields that the answer must have; by default any object, or status 204. An answer without them is not from INDEX,
   * and the request rejects with `unavailable`.
   */
  readonly expects?: Shape
  /** False to send no credential. Default: true. */
  readonly authorized?: boolean
}

export interface RequestsOptions {
  /** Aborts every request. */
  readonly stop?: AbortSignal
  /** Default: `fetch`. */
  readonly transport?: Transport
}

export class Requests {
  /** Base URL without a trailing slash. */
  readonly base: string
  readonly #credential: () => string | Promise<string>
  readonly #options: RequestsOptions
  /** INDEX's clock minus our monotonic clock, in milliseconds; undefined before the first answer. */
  #aheadMs: number | undefined

  /** True if INDEX itself answered the last request, and not a portal or proxy in between. */
  #isReached = false

  /** `credential` returns a ticket or an API key. Throws `bad-request` if `base` is not an HTTP address. */
  constructor(base: string, credential: () => string | Promise<string>, options: RequestsOptions = {}) {
    this.#options = options
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

  /** INDEX's time in epoch milliseconds, accurate to about a second. The device's own time before the first answer. */
  get serverTime(): number {
    return this.#aheadMs === undefined ? Date.now() : performance.now() + this.#aheadMs
  }

  /** Sends a request. `path` is relative to the base, and its parameters must be encoded already (see `path`). */
  async send<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const { query, body, ifVersion, idempotencyKey, expects, authorized = true } = options
    const headers = new Headers({ accept: 'application/json' })
    if (authorized) headers.set('authorization', `Bearer ${await this.#credential()}`)
    if (body !== undefined) headers.set('content-type', 'application/json')
    if (ifVersion !== undefined) headers.set('if-match', `"${ifVersion}"`)
    if (idempotencyKey !== undefined) headers.set('idempotency-key', idempotencyKey)
    const timeout = AbortSignal.timeout(TIMEOUT_MS)
    const { stop } = this.#options
    const signal = stop === undefined ? timeout : AbortSignal.any([timeout, stop])
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

  /**
   * Sends once more if the connection was closed and the request may be repeated: a kept-alive connection may just have
   * been closed at its other end.
   */
  async #fetch(url: string, sending: Sending, isRepeatable: boolean): Promise<Response> {
    const { transport = fetch } = this.#options
    try {
      const response = await transport(url, sending)
      this.#learnTime(response.headers.get('date'))
      return response
    } catch (cause) {
      if (isRepeatable && isClosedByOther(cause)) return await this.#fetch(url, sending, false)
      throw cause instanceof Obstructed ? this.#obstructed(cause) : this.#silent(cause)
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

  #obstructed({ message, cause }: Obstructed): StraightwayError {
    return new StraightwayError('unavailable', `INDEX at ${this.base} is not reached ${message}`, { cause })
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

/** Template tag for a path: encodes its parameters. */
export function path(strings: TemplateStringsArray, ...parts: readonly string[]): string {
  return String.raw({ raw: strings }, ...parts.map(encodeURIComponent))
}

function searchOf(query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, `${value}`)
  return search.size === 0 ? '' : `?${search}`
}

/** Reads the body as text; undefined if it exceeds MAX_ANSWER_BYTES. The rest is then not read. */
async function textOf({ body }: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  // Some browsers cannot iterate a stream.
  const reader = body?.getReader()
  for (let read = await reader?.read(); read?.value !== undefined; read = await reader?.read()) {
    bytes += read.value.length
    if (bytes > MAX_ANSWER_BYTES) {
      await reader?.cancel()
      return undefined
    }
    chunks.push(read.value)
  }
  return textOfAll(chunks)
}

function textOfAll(chunks: readonly Uint8Array[]): string {
  const decoder = new TextDecoder()
  return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('') + decoder.decode()
}

interface Problem {
  readonly error: StraightwayError
  /** False if something in front of INDEX answered. */
  readonly isIndexes: boolean
}

/**
 * Reads the error of an answer. Only problem details with one of our codes come from INDEX. Captive portals, proxies
 * and firewalls answer with plain 401, 403 or 404.
 */
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
  return CLOSED_BY_OTHER.has((cause as { readonly code?: string } | undefined)?.code ?? '')
}
