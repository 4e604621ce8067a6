/** Answers: JSON, and problem details (RFC 9457) for errors. */
import type { APIGatewayProxyResult } from 'aws-lambda'
import { ERRORS, StraightwayError } from '../../shared/errors.ts'
import type { Page } from '../../shared/store/pages.ts'

export type Reply = APIGatewayProxyResult

const COMMON = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'etag, location',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
} as const

export function ok(body: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return json(200, body, headers)
}

/** With the version as ETag. */
export function found(body: { readonly version: number }): Reply {
  return ok(body, { etag: etagOf(body.version) })
}

export function created(body: object, location: string): Reply {
  const etag = 'version' in body ? { etag: etagOf(body.version as number) } : {}
  return json(201, body, { location, ...etag })
}

export function page(body: Page<unknown>): Reply {
  return ok(body)
}

export function nothing(): Reply {
  return { statusCode: 204, headers: COMMON, body: '' }
}

/** Browsers ask first (CORS): any origin may, as no credential is sent by itself. */
export function preflight(): Reply {
  const allowed = {
    'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
    'access-control-allow-headers': 'authorization, content-type, if-match, if-none-match',
    'access-control-max-age': '86400',
  }
  return { statusCode: 204, headers: { ...COMMON, ...allowed }, body: '' }
}

/** What is not ours is told as `internal` without detail, and logged. */
export function problem(error: unknown): Reply {
  const known = error instanceof StraightwayError ? error : new StraightwayError('internal')
  if (known !== error) console.error(error)
  const { code, status, message } = known
  const body = {
    type: `urn:straightway:error:${code}`,
    title: ERRORS[code].title,
    status,
    code,
    detail: message,
  }
  const challenge = status === 401 ? { 'www-authenticate': 'Bearer' } : {}
  return json(status, body, { 'content-type': 'application/problem+json', ...challenge })
}

function json(statusCode: number, body: unknown, headers: Readonly<Record<string, string>>): Reply {
  const all = { ...COMMON, 'content-type': 'application/json', ...headers }
  return { statusCode, headers: all, body: JSON.stringify(body) }
}

function etagOf(version: number): string {
  return `"${version}"`
}
