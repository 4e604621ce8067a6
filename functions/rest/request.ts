/** A request as handlers see it: checked values instead of an event. */
import type { APIGatewayProxyEvent } from 'aws-lambda'
import type { z } from 'zod'
import { StraightwayError } from '../../shared/errors.ts'
import { LIMITS } from '../../shared/limits.ts'
import {
  type Action,
  type Actor,
  type Ground,
  judge,
  may,
  type Resource,
} from '../../shared/model/permission.ts'
import type { Precondition } from '../../shared/model/precondition.ts'
import { validated } from '../../shared/model/validate.ts'
import type { Context } from './context.ts'

export interface Request {
  readonly context: Context
  readonly actor: Actor
  readonly event: APIGatewayProxyEvent
}

/** An object of the largest size, and 4 KB for what surrounds it in the body. */
const BODY_BYTES = LIMITS.objectBytes + 4096

/** The parsed body. Errors: `bad-request`, `too-large`. */
export function bodyOf<T>(request: Pick<Request, 'event'>, schema: z.ZodType<T>, most = BODY_BYTES): T {
  return validated(schema, jsonOf(request.event, most))
}

/** The text of a path parameter. Errors: `bad-request` if it is no percent-encoded UTF-8. */
export function parameterOf({ pathParameters }: APIGatewayProxyEvent, name: string): string {
  try {
    return decodeURIComponent(pathParameters?.[name] ?? '')
  } catch {
    throw new StraightwayError('bad-request', `${name}: the path is not percent-encoded UTF-8`)
  }
}

/** The query parameters. Errors: `bad-request` if one is given twice or is not well-formed text. */
export function queryOf(event: APIGatewayProxyEvent): Readonly<Record<string, string>> {
  const repeated = Object.entries(event.multiValueQueryStringParameters ?? {}).find(
    ([, values]) => (values?.length ?? 0) > 1,
  )
  if (repeated !== undefined) throw new StraightwayError('bad-request', `${repeated[0]}: give it once`)
  const given = Object.entries(event.queryStringParameters ?? {}).map(([name, value = '']) => [name, value])
  if (!given.flat().every((text) => text.isWellFormed()))
    throw new StraightwayError('bad-request', 'The query holds half of a character')
  return Object.fromEntries(given)
}

/** The preconditions in `If-Match` and `If-None-Match`. Errors: `bad-request` if a header is no list of ETags. */
export function preconditionOf(event: APIGatewayProxyEvent): Precondition {
  const match = versionsIn(headerOf(event, 'if-match'), 'If-Match')
  const noneMatch = versionsIn(headerOf(event, 'if-none-match'), 'If-None-Match')
  return {
    ...(match && { match: strong(match) }),
    ...(noneMatch && { noneMatch: every(noneMatch), tags: tagsIn(noneMatch) }),
  }
}

type Tags = readonly { readonly tag: string; readonly weak: boolean; readonly version: number }[] | '*'

/**
 * Parses a list of entity tags (RFC 9110, 8.8.3). A tag that INDEX cannot have made gets version -1, which matches
 * nothing.
 */
function versionsIn(header: string | undefined, name: string): Tags | undefined {
  const text = header?.trim()
  if (text === undefined || text === '*') return text as '*' | undefined
  if (!LIST_OF_TAGS.test(text))
    throw new StraightwayError('bad-request', `${name}: give back the ETag of the last answer, or *`)
  return [...text.matchAll(TAG)].map(([, weak, tag = '']) => ({
    tag,
    weak: weak !== undefined,
    version: Number(/^([1-9]\d{0,14})(\.[\w-]+)?$/.exec(tag)?.[1] ?? -1),
  }))
}

const TAG = /(W\/)?"([\x21\x23-\x7e\x80-\uffff]*)"/g
const LIST_OF_TAGS = /^(W\/)?"[\x21\x23-\x7e\x80-\uffff]*"(\s*,\s*(W\/)?"[\x21\x23-\x7e\x80-\uffff]*")*$/

/** `If-Match` compares strongly: a weak tag matches nothing (RFC 9110, 13.1.1). */
const strong = (tags: Tags) =>
  tags === '*' ? tags : tags.filter(({ weak }) => !weak).map(({ version }) => version)
const tagsIn = (tags: Tags) => (tags === '*' ? [] : tags.map(({ tag }) => tag))
const every = (tags: Tags) => (tags === '*' ? tags : tags.map(({ version }) => version))

export function headerOf({ headers }: APIGatewayProxyEvent, name: string): string | undefined {
  const found = Object.keys(headers ?? {}).find((key) => key.toLowerCase() === name)
  return found === undefined ? undefined : headers[found]
}

/** The id of the request: that of API Gateway, which its logs have too. */
export const requestIdOf = ({ requestContext }: APIGatewayProxyEvent): string =>
  requestContext?.requestId ?? ''

/** The grounds that allow the action. Errors: `forbidden`; `unauthenticated` without a credential. */
export function expectMay(actor: Actor, action: Action, resource: Resource = {}): readonly Ground[] {
  const grounds = judge(actor, action, resource)
  if (grounds !== undefined) return grounds
  if (actor.kind === 'nobody') throw new StraightwayError('unauthenticated', 'Send an API key or a ticket')
  throw new StraightwayError('forbidden', `This credential does not allow ${action}`)
}

/**
 * Requires that the caller may see the resource. Otherwise it answers exactly as if the resource did not exist.
 * Errors: `code`.
 */
export function expectVisible(
  { actor }: Pick<Request, 'actor'>,
  action: Action,
  resource: Resource,
  code: 'not-found' | 'unknown-peer' = 'not-found',
): void {
  if (!may(actor, action, resource)) throw new StraightwayError(code)
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function jsonOf({ body, isBase64Encoded }: APIGatewayProxyEvent, most: number): unknown {
  const bytes = Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8')
  if (bytes.length > most) {
    throw new StraightwayError('too-large', `A body has at most ${most} bytes`)
  }
  if (bytes.length === 0) return {}
  try {
    return JSON.parse(UTF8.decode(bytes))
  } catch {
    throw new StraightwayError('bad-request', 'The body is no JSON in UTF-8')
  }
}
