/**
 * A route of INDEX is one expression: operation, door (method and path), credential, permission, parameters, body,
 * answers, errors, an example and the handler. From these definitions come
 *
 *   - the routing and the checks of the Lambda (handler.ts);
 *   - the OpenAPI document;
 *   - the list of routes for API Gateway (routes.ts);
 *   - the test that every answer matches its schema.
 */
import { z } from 'zod'
import type { ErrorCode } from '../../shared/errors.ts'
import { LIMITS } from '../../shared/limits.ts'
import { apiKeyIdSchema } from '../../shared/model/api-key.ts'
import { collectionNameSchema } from '../../shared/model/collection.ts'
import { networkIdSchema, peerIdSchema, userIdSchema } from '../../shared/model/identifiers.ts'
import { inviteIdSchema } from '../../shared/model/invite.ts'
import { jobIdSchema } from '../../shared/model/job.ts'
import { objectIdSchema } from '../../shared/model/object.ts'
import type { Action, Ground, Resource } from '../../shared/model/permission.ts'
import type { Precondition } from '../../shared/model/precondition.ts'
import { webhookIdSchema } from '../../shared/model/webhook.ts'
import type { RandomBytes } from '../../shared/random-bytes.ts'
import type { Reply } from './reply.ts'
import type { Request } from './request.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/**
 * The credential that a route requires: `anybody` (none; a credential is ignored), `credential` (an API key or a
 * ticket) or `key` (an API key).
 */
export type Who = 'anybody' | 'credential' | 'key'

/** The schema of each path parameter, by name. A malformed id answers `not-found`: nothing can have it. */
export const PARAMETERS = {
  network: networkIdSchema,
  user: userIdSchema,
  peer: peerIdSchema,
  blocked: z.union([peerIdSchema, userIdSchema]),
  invite: inviteIdSchema,
  collection: collectionNameSchema,
  id: objectIdSchema,
  key: apiKeyIdSchema,
  job: jobIdSchema,
  webhook: webhookIdSchema,
} as const satisfies Readonly<Record<string, z.ZodType>>

type ParameterName = keyof typeof PARAMETERS
type NamesIn<Door extends string> = Door extends `${string}{${infer Name}}${infer Rest}`
  ? (Name & ParameterName) | NamesIn<Rest>
  : never
type PathOf<Door extends string> = { readonly [N in NamesIn<Door>]: z.output<(typeof PARAMETERS)[N]> }

export type QueryShape = Readonly<Record<string, z.ZodType>>
type QueryOf<Q extends QueryShape> = { readonly [N in keyof Q]: z.output<Q[N]> }

/** Query parameters of a listing. */
export const PAGE = {
  limit: z
    .string()
    .regex(/^\d{1,3}$/, `from 1 to ${LIMITS.pageSize}`)
    .transform(Number)
    .pipe(z.int().min(1).max(LIMITS.pageSize))
    .default(LIMITS.pageSize),
  cursor: z
    .string()
    .regex(/^[\w-]{1,4096}$/, 'give back the `cursor` of the page before, unchanged, with the same query')
    .optional(),
} as const satisfies QueryShape

/**
 * Query parameters of a search: those of a listing, a filter (RFC 7644, 3.4.2.2), an order, and the network to search
 * in.
 */
export const SEARCH = {
  ...PAGE,
  filter: z.string().meta({ maxLength: LIMITS.filterBytes }).optional(),
  sortBy: z.string().max(128, 'at most 128 characters').optional(),
  sortOrder: z.enum(['ascending', 'descending'], 'ascending or descending').default('ascending'),
  network: networkIdSchema.optional(),
} as const satisfies QueryShape

/** A request whose path, query and preconditions are checked; the argument of a handler. */
export interface Call<Path = object, Query = object, Body = unknown> extends Request {
  readonly path: Path
  readonly query: Query
  readonly precondition: Precondition
  /** Parses the body. Errors: `bad-request`, `too-large`. */
  body(): Body
  /** Random bytes for new ids and secrets. A request that is sent again gets the same bytes (idempotency.ts). */
  readonly random: RandomBytes
  /** Checks the route's permission on the resource and returns the grounds that allow it. Errors: `forbidden`. */
  allow(resource?: Resource): readonly Ground[]
}

export interface Definition<
  Door extends `${Method} /v1/${string}` = `${Method} /v1/${string}`,
  Query extends QueryShape = QueryShape,
  Body extends z.ZodType = z.ZodType,
> {
  readonly operation: string
  readonly door: Door
  readonly who: Who
  /** The action that `allow` checks. Absent on routes for anybody. */
  readonly permission?: Action
  readonly tag: string
  readonly summary: string
  readonly query?: Query
  readonly body?: Body
  /** Largest body. Default: an object of the largest size, and what surrounds it. */
  readonly bodyBytes?: number
  /** A valid body, for the OpenAPI document. */
  readonly example?: z.input<Body>
  /** Schema of the body by status. `null`: no body. */
  readonly answers: Readonly<Record<number, z.ZodType | null>>
  /** Error codes beyond those that every route has: see `errorsOf`. */
  readonly errors?: readonly ErrorCode[]
  /** Why a route that writes leaves no record in the audit trail. By default every such route leaves one. */
  readonly unrecorded?: string
  /** True if `If-Match` and `If-None-Match` are evaluated. GET routes always do. */
  readonly conditional?: true
  readonly handle: (call: Call<PathOf<Door>, QueryOf<Query>, z.output<Body>>) => Promise<Reply>
}

/** A definition with its types erased and its door split into parts. */
export interface Route extends Omit<Definition, 'handle' | 'example'> {
  readonly method: Method
  /** The path, with parameters in braces. */
  readonly path: `/v1/${string}`
  readonly parameters: readonly ParameterName[]
  readonly example?: unknown
  readonly handle: (call: Call) => Promise<Reply>
}

export function route<
  const Door extends `${Method} /v1/${string}`,
  Query extends QueryShape = Readonly<Record<never, never>>,
  Body extends z.ZodType = z.ZodType,
>(definition: Definition<Door, Query, Body>): Route {
  const [method, path] = definition.door.split(' ') as [Method, Route['path']]
  const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as ParameterName)
  return { ...definition, method, path, parameters, handle: definition.handle as Route['handle'] }
}

/** Every error code of the route, each once. */
export function errorsOf(route: Route): readonly ErrorCode[] {
  const { who, body, errors = [], parameters, query, conditional, method } = route
  const always: ErrorCode[] = ['bad-request', 'method-not-allowed', 'rate-limited', 'internal', 'unavailable']
  return [
    ...new Set([
      ...always,
      ...(who === 'anybody' ? [] : (['unauthenticated', 'forbidden'] as const)),
      ...(parameters.length > 0 || query?.network !== undefined ? (['not-found'] as const) : []),
      ...(body === undefined ? [] : (['too-large'] as const)),
      ...(conditional || method === 'GET' ? (['precondition-failed'] as const) : []),
      ...errors,
    ]),
  ]
}
