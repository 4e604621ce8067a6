/** A request as handlers see it: checked values instead of an event. */
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { z } from 'zod'
import { StraightwayError } from '../../shared/errors.ts'
import { LIMITS } from '../../shared/limits.ts'
import { type Action, type Actor, may, type Resource } from '../../shared/model/permission.ts'
import { validated } from '../../shared/model/validate.ts'
import type { PageRequest } from '../../shared/store/pages.ts'
import type { Context } from './context.ts'

export interface Request {
  readonly context: Context
  readonly actor: Actor
  readonly event: APIGatewayProxyEvent
}

/** An object at its limit, and what is around it. */
const BODY_BYTES = LIMITS.objectBytes + 4096

/** The body as the schema has it. Errors: `bad-request`, `too-large`. */
export function bodyOf<T>(request: Request, schema: z.ZodType<T>): T {
  return validated(schema, jsonOf(request.event))
}

/** A path parameter as the schema has it: what has another form cannot exist. Errors: `not-found`. */
export function parameterOf<T>({ event }: Request, name: string, schema: z.ZodType<T>): T {
  const result = schema.safeParse(decoded(event.pathParameters?.[name] ?? ''))
  if (!result.success) throw new StraightwayError('not-found', `${name}: ${result.error.issues[0]?.message}`)
  return result.data
}

export function queryOf({ event }: Request, name: string): string | undefined {
  return event.queryStringParameters?.[name] ?? undefined
}

const limitSchema = z.coerce.number().int().min(1).max(LIMITS.pageSize).default(LIMITS.pageSize)

/** Errors: `bad-request`. */
export function pageOf(request: Request): PageRequest {
  const limit = limitSchema.safeParse(queryOf(request, 'limit'))
  if (!limit.success) throw new StraightwayError('bad-request', `limit: from 1 to ${LIMITS.pageSize}`)
  return { limit: limit.data, cursor: queryOf(request, 'cursor') }
}

/** The version in `If-Match`; undefined without one or with `*`. Errors: `bad-request`. */
export function ifMatchOf({ event }: Request): number | undefined {
  const header = headerOf(event, 'if-match')?.trim()
  if (header === undefined || header === '*') return undefined
  const [, version] = /^"(\d{1,15})"$/.exec(header) ?? []
  if (version === undefined)
    throw new StraightwayError('bad-request', 'If-Match: give back the ETag of the last answer')
  return Number(version)
}

export function headerOf({ headers }: APIGatewayProxyEvent, name: string): string | undefined {
  const found = Object.keys(headers ?? {}).find((key) => key.toLowerCase() === name)
  return found === undefined ? undefined : headers[found]
}

/** Errors: `forbidden`, `unauthenticated` without any credential. */
export function expectMay({ actor }: Request, action: Action, resource: Resource = {}): void {
  if (may(actor, action, resource)) return
  if (actor.kind === 'nobody') throw new StraightwayError('unauthenticated', 'Send an API key or a ticket')
  throw new StraightwayError('forbidden', `This credential does not allow ${action}`)
}

/** What somebody may not see does not exist for them, to the letter of the answer. Errors: `not-found`, or as named. */
export function expectVisible(
  { actor }: Request,
  action: Action,
  resource: Resource,
  code: 'not-found' | 'unknown-peer' = 'not-found',
): void {
  if (!may(actor, action, resource)) throw new StraightwayError(code)
}

function jsonOf({ body, isBase64Encoded }: APIGatewayProxyEvent): unknown {
  const text = isBase64Encoded ? Buffer.from(body ?? '', 'base64').toString() : (body ?? '')
  if (Buffer.byteLength(text) > BODY_BYTES) {
    throw new StraightwayError('too-large', `A body has at most ${BODY_BYTES} bytes`)
  }
  try {
    return text === '' ? {} : JSON.parse(text)
  } catch {
    throw new StraightwayError('bad-request', 'The body is no JSON')
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
