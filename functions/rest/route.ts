/**
 * A route of INDEX is one expression: operation, door, credential, permission, parameters, body, answers, errors, an
 * example and the handler. The handler of the Lambda (handler.ts) routes and checks by it; the OpenAPI document, the doors
 * that API Gateway knows (routes.ts) and the test that every answer is as it says are made from it.
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
import type { RandomBytes } from '../../shared/random-bytes.ts'
import type { Reply } from './reply.ts'
import type { Request } from './request.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** The first door: `anybody` (no credential is looked at), `credential` (an API key or a ticket) or `key` (an API key). */
export type Who = 'anybody' | 'credential' | 'key'

/** What a path parameter of a name looks like. What has another form cannot exist. */
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
} as const satisfies Readonly<Record<string, z.ZodType>>

type ParameterName = keyof typeof PARAMETERS
type NamesIn<Door extends string> = Door extends `${string}{${infer Name}}${infer Rest}`
  ? (Name & ParameterName) | NamesIn<Rest>
  : never
type PathOf<Door extends string> = { readonly [N in NamesIn<Door>]: z.output<(typeof PARAMETERS)[N]> }

export type QueryShape = Readonly<Record<string, z.ZodType>>
type QueryOf<Q extends QueryShape> = { readonly [N in keyof Q]: z.output<Q[N]> }

/** A page of a listing. */
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

/** A page of a search: a filter (RFC 7644, 3.4.2.2), and the network to search in. */
export const SEARCH = {
  ...PAGE,
  filter: z.string().meta({ maxLength: LIMITS.filterBytes }).optional(),
  sortBy: z.string().max(128, 'at most 128 characters').optional(),
  sortOrder: z.enum(['ascending', 'descending'], 'ascending or descending').default('ascending'),
  network: networkIdSchema.optional(),
} as const satisfies QueryShape

/** What a handler is given, checked. */
export interface Call<Path = object, Query = object, Body = unknown> extends Request {
  readonly path: Path
  readonly query: Query
  readonly precondition: Precondition
  /** The body as the schema has it. Errors: `bad-request`, `too-large`. */
  body(): Body
  /** For ids and secrets of what is made: the same ones for a request that is sent again (idempotency.ts). */
  readonly random: RandomBytes
  /** Judges the permission of the route on the resource, and answers with the grounds. Errors: `forbidden`. */
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
  /** Judged by `allow`; a route for anybody has none. */
  readonly permission?: Action
  readonly tag: string
  readonly summary: string
  readonly query?: Query
  readonly body?: Body
  /** A body that is accepted. */
  readonly example?: z.input<Body>
  /** By status. `null`: no body. */
  readonly answers: Readonly<Record<number, z.ZodType | null>>
  /** Beyond those that any route has: see `errorsOf`. */
  readonly errors?: readonly ErrorCode[]
  /** Whether `If-Match` and `If-None-Match` are looked at; always on reading. */
  readonly conditional?: true
  readonly handle: (call: Call<PathOf<Door>, QueryOf<Query>, z.output<Body>>) => Promise<Reply>
}

/** A definition whose types have been forgotten, with the parts of its door. */
export interface Route extends Omit<Definition, 'handle' | 'example'> {
  readonly method: Method
  /** Parameters in braces. */
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

/** Every error of the route, in the order of their statuses. */
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
