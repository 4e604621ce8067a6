/** Answers: JSON, and problem details (RFC 9457) for errors. */
import { createHash } from 'node:crypto'
import type { APIGatewayProxyResult } from 'aws-lambda'
import { ERRORS, StraightwayError } from '../../shared/errors.ts'
import { expectVersion, isKnown, type Precondition } from '../../shared/model/precondition.ts'
import type { JobRecord, Page } from '../../shared/resources.ts'
import { isPassing } from '../../shared/store/passing.ts'

export type Reply = APIGatewayProxyResult

const COMMON = {
  'access-control-allow-origin': '*',
  // `date` tells a page INDEX's time, by which it dates its proofs.
  'access-control-expose-headers': 'date, etag, location, retry-after, x-request-id',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
} as const

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE'

/** `Retry-After` of answers with status 429 or 503. */
const RETRY_SECONDS = 1

export function ok(body: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return json(200, body, headers)
}

/** 200 with the version as ETag, or 304 if the caller has this version. Errors: `precondition-failed`. */
export function found(body: { readonly version: number }, precondition: Precondition = {}): Reply {
  return tagged(body, `${body.version}`, precondition)
}

/**
 * Like `found`, for resources that also change without a new version: presence, the networks of a user, the number of
 * owners. The ETag is the version and a digest of the answer; `If-Match` compares the version only.
 */
export function seen(body: { readonly version: number }, precondition: Precondition): Reply {
  const digest = createHash('sha256')
    .update(JSON.stringify(body, inOrder))
    .digest('base64url')
    .slice(0, DIGEST_LETTERS)
  return tagged(body, `${body.version}.${digest}`, precondition)
}

const DIGEST_LETTERS = 11

/** A JSON replacer that sorts keys: DynamoDB returns the entries of a map in any order. */
function inOrder(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function tagged(body: { readonly version: number }, tag: string, precondition: Precondition): Reply {
  const { match } = precondition
  expectVersion(body.version, { ...(match && { match }) })
  const reply = ok(body, { etag: `"${tag}"` })
  return isKnown(tag, precondition) ? notModified(reply) : reply
}

export function created(body: object, location: string): Reply {
  const etag = 'version' in body ? { etag: etagOf(body.version as number) } : {}
  return json(201, body, { location, ...etag })
}

/** 202: the job has begun and runs to its end whatever happens to the caller. `location` shows its progress. */
export function accepted(job: JobRecord): Reply {
  return json(202, job, { location: `/v1/jobs/${job.job}` })
}

export function page(body: Page<unknown>): Reply {
  return ok(body)
}

export function nothing(): Reply {
  return { statusCode: 204, headers: { ...COMMON }, body: '' }
}

/** 304: the caller has this version already (RFC 9110, 15.4.5). */
function notModified({ headers = {} }: Reply): Reply {
  const { 'content-type': _, ...rest } = headers
  return { statusCode: 304, headers: rest, body: '' }
}

/** The answer to HEAD: that of GET, without the body. */
export function withoutBody(reply: Reply): Reply {
  return { ...reply, body: '' }
}

/** The answer to a CORS preflight. Any origin is allowed, because browsers send no credential here on their own. */
export function preflight(): Reply {
  const allowed = {
    'access-control-allow-methods': METHODS,
    'access-control-allow-headers': 'authorization, content-type, idempotency-key, if-match, if-none-match',
    'access-control-max-age': '86400',
  }
  return { statusCode: 204, headers: { ...COMMON, ...allowed }, body: '' }
}

/**
 * Converts an error to problem details. An error other than StraightwayError is logged and answered without detail:
 * as `unavailable` if it is transient, else as `internal`.
 */
export function problem(
  error: unknown,
  headers: Readonly<Record<string, string>> = {},
  request?: string,
): Reply {
  const known = error instanceof StraightwayError ? error : new StraightwayError(codeOf(error))
  if (known !== error) console.error(error)
  const { code, status, message } = known
  const body = {
    type: `urn:straightway:error:${code}`,
    title: ERRORS[code].title,
    status,
    code,
    detail: message,
    ...(request && { request }),
  }
  const challenge = status === 401 ? { 'www-authenticate': 'Bearer' } : {}
  const retry = status === 503 || status === 429 ? { 'retry-after': `${RETRY_SECONDS}` } : {}
  return json(status, body, {
    'content-type': 'application/problem+json',
    ...challenge,
    ...retry,
    ...headers,
  })
}

const codeOf = (error: unknown) => (isPassing(error) ? 'unavailable' : 'internal')

function json(statusCode: number, body: unknown, headers: Readonly<Record<string, string>>): Reply {
  const all = { ...COMMON, 'content-type': 'application/json', ...headers }
  return { statusCode, headers: all, body: JSON.stringify(body) }
}

function etagOf(version: number): string {
  return `"${version}"`
}
