/**
 * INDEX as one Lambda behind a REST API: finds the route, authenticates the caller, and runs the route's handler. A
 * handler parses, decides, stores and replies. Whatever it throws becomes problem details.
 *
 * A handler is run again from the start if its write was refused because a fact that allowed it has changed
 * meanwhile. The caller is authenticated again, and every fact is read again.
 */
import middy from '@middy/core'
import httpRouter from '@middy/http-router'
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { z } from 'zod'
import { StraightwayError } from '../../shared/errors.ts'
import { makerOf } from '../../shared/model/membership.ts'
import type { Actor } from '../../shared/model/permission.ts'
import type { Note } from '../../shared/store/audit-step.ts'
import { credentialGuards, guarded } from '../../shared/store/guarded.ts'
import { OUTDATED, retrying } from '../../shared/store/transact.ts'
import { API } from './api.ts'
import type { Context } from './context.ts'
import { type Authenticated, authenticate } from './credentials.ts'
import { randomBytesFor } from './idempotency.ts'
import { parametersIn } from './named.ts'
import { preflight, problem, type Reply, withoutBody } from './reply.ts'
import { bodyOf, expectMay, headerOf, parameterOf, preconditionOf, queryOf, requestIdOf } from './request.ts'
import { type Call, PARAMETERS, type Route } from './route.ts'

export function createHandler(context: Context) {
  const routes = API.flatMap((route) => {
    const handler = serve(context, route)
    const { method, path } = route
    const head = async (event: APIGatewayProxyEvent) => withoutBody(await handler(event))
    return [
      { method, path, handler },
      ...(method === 'GET' ? [{ method: 'HEAD' as const, path, handler: head }] : []),
    ]
  })
  return middy<APIGatewayProxyEvent, APIGatewayProxyResult>()
    .after(({ response, event }) => {
      Object.assign(response?.headers ?? {}, requestHeader(event))
    })
    .onError(async (request) => {
      const { error, event } = request
      const headers = { ...allowedBy(error), ...requestHeader(event) }
      const reply = problem(error, headers, requestIdOf(event))
      request.response = event.httpMethod === 'HEAD' ? withoutBody(reply) : reply
    })
    .handler(httpRouter({ routes, notFoundResponse }))
}

/** The id by which logs and the audit trail name the request. */
const requestHeader = (event: APIGatewayProxyEvent) => ({ 'x-request-id': requestIdOf(event) })

function notFoundResponse({ method, path }: { method: string; path: string }): Reply {
  if (method === 'OPTIONS') return preflight()
  const allowed = methodsOf(path)
  const see = `There is no ${method} ${path}: see GET /v1/openapi.json`
  if (allowed.length === 0) throw new StraightwayError('not-found', see)
  throw new StraightwayError('method-not-allowed', see, { cause: allowed })
}

/** The methods of a path, whatever its parameters. Empty if no route has the path. */
function methodsOf(path: string): readonly string[] {
  const matching = API.filter((route) => patternOf(route.path).test(path)).map(({ method }) => method)
  return matching.length === 0 ? [] : [...matching, ...(matching.includes('GET') ? ['HEAD'] : []), 'OPTIONS']
}

const patternOf = (path: string) =>
  new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}/?$`)

/** The `Allow` header of a 405 answer (RFC 9110, 15.5.6). */
function allowedBy(error: unknown): Readonly<Record<string, string>> {
  const isMethod = error instanceof StraightwayError && error.code === 'method-not-allowed'
  return isMethod && Array.isArray(error.cause) ? { allow: error.cause.join(', ') } : {}
}

function serve(context: Context, route: Route) {
  return (event: APIGatewayProxyEvent): Promise<Reply> =>
    retrying(async () => {
      const authenticated = await actorFor(route, context, event)
      const { actor } = authenticated
      const checked = {
        path: pathOf(route, event),
        query: queryFor(route, event),
        precondition: preconditionOf(event),
      }
      const call: Call = {
        ...{
          context: contextFor(context, clientFor(route, context, authenticated, event)),
          actor,
          event,
          ...checked,
        },
        random: randomBytesFor(event, actor, context.config),
        body: () => bodyOf({ event }, route.body ?? z.unknown(), route.bodyBytes),
        allow: (resource) => (route.permission ? expectMay(actor, route.permission, resource) : []),
      }
      return route.handle(call)
    }, OUTDATED)
}

/**
 * The context with this client. An unchanged client gets the same context object, so that caches keyed by it
 * (health.ts) serve later requests too.
 */
function contextFor(context: Context, client: Context['client']): Context {
  return client === context.client ? context : { ...context, client }
}

/**
 * The client of one request.
 *
 *   - On routes that read, and on `member.change`, it answers reads from the items read with the ticket (remembered.ts).
 *   - On routes that write, it writes only while the credential is still valid (guarded.ts), and every change leaves a
 *     record in the audit trail (audit-step.ts).
 *
 * Exception: object writes with an API key are not guarded. A condition on the key's one item would make them wait
 * for each other, and an API key may write objects as fast as the table accepts them. Writes that such a key was
 * allowed to make may therefore still arrive after its deletion, for at most the 15 seconds that the function runs.
 */
function clientFor(
  route: Route,
  { client, now }: Context,
  { actor, remembered }: Authenticated,
  event: APIGatewayProxyEvent,
) {
  const { method, permission, operation, unrecorded } = route
  const reads = method === 'GET' || permission === 'member.change'
  const knowing = reads && remembered !== undefined ? remembered.client(client) : client
  const isBulk = actor.kind === 'key' && permission?.startsWith('object.')
  if (method === 'GET' || isBulk) return knowing
  const by = makerOf(actor)
  const note: Note = {
    ...{ at: now(), operation, request: requestIdOf(event) },
    ...(by && { by }),
    ...(actor.kind === 'peer' && { peer: actor.peer }),
  }
  return guarded(knowing, credentialGuards(actor), unrecorded === undefined ? note : undefined)
}

/** Authenticates the caller and applies the route's `who`. Errors: `unauthenticated`; `forbidden`. */
async function actorFor(route: Route, context: Context, event: APIGatewayProxyEvent): Promise<Authenticated> {
  const { who, permission } = route
  if (who === 'anybody') return { actor: { kind: 'nobody' } }
  const asked = { action: permission, named: parametersIn(route, event) }
  const authenticated = await authenticate(context, headerOf(event, 'authorization'), asked)
  const { actor } = authenticated
  if (actor.kind === 'nobody') throw new StraightwayError('unauthenticated', 'Send an API key or a ticket')
  if (who === 'key' && actor.kind !== 'key')
    throw new StraightwayError('forbidden', 'Only an API key may do this')
  expectInScope(actor, route, event)
  return authenticated
}

/**
 * Applies the operations and collections to which a key is limited. Its networks are applied by the permissions. Errors:
 * `forbidden`.
 */
function expectInScope(actor: Actor, { operation, parameters }: Route, event: APIGatewayProxyEvent): void {
  if (actor.kind !== 'key') return
  const { operations, collections } = actor
  if (operations !== undefined && !operations.includes(operation))
    throw new StraightwayError('forbidden', `This API key does not allow ${operation}`)
  if (collections === undefined) return
  const asked = [
    ...(parameters.includes('collection') ? [parameterOf(event, 'collection')] : []),
    ...[event.queryStringParameters?.collection ?? []].flat(),
  ]
  if (!asked.every((name) => collections.includes(name)))
    throw new StraightwayError('forbidden', 'This API key does not allow this collection')
}

/** The parsed path parameters. Errors: `not-found` for a malformed one, because nothing can have such an id. */
function pathOf({ parameters }: Route, event: APIGatewayProxyEvent): object {
  return Object.fromEntries(
    parameters.map((name) => {
      const result = PARAMETERS[name].safeParse(parameterOf(event, name))
      if (result.success) return [name, result.data]
      throw new StraightwayError('not-found', `${name}: ${result.error.issues[0]?.message}`)
    }),
  )
}

/** The parsed query. Errors: `bad-request` for a malformed parameter, and for one that the route does not have. */
function queryFor({ query = {} }: Route, event: APIGatewayProxyEvent): object {
  const given = queryOf(event)
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(query, name))
  if (unknown !== undefined) {
    const names = Object.keys(query).join(', ') || 'none'
    throw new StraightwayError('bad-request', `${unknown}: there is no such parameter here, but ${names}`)
  }
  return Object.fromEntries(
    Object.entries(query).map(([name, schema]) => {
      const result = schema.safeParse(Object.hasOwn(given, name) ? given[name] : undefined)
      if (result.success) return [name, result.data]
      throw new StraightwayError('bad-request', `${name}: ${result.error.issues[0]?.message}`)
    }),
  )
}
