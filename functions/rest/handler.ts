/**
 * INDEX as one Lambda behind a REST API: find the route, find out who asks, and hand the request to the handler of the
 * operation. Handlers parse, decide, store and reply; whatever they throw becomes problem details.
 */
import middy from '@middy/core'
import httpRouter from '@middy/http-router'
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { StraightwayError } from '../../shared/errors.ts'
import type { Actor } from '../../shared/model/permission.ts'
import * as apiKeys from './api-keys.ts'
import * as blocks from './blocks.ts'
import { readBootstrap } from './bootstrap.ts'
import * as collections from './collections.ts'
import type { Context } from './context.ts'
import { authenticate } from './credentials.ts'
import { createEnrolment } from './enrolments.ts'
import { readHealth } from './health.ts'
import * as invites from './invites.ts'
import * as members from './members.ts'
import * as networks from './networks.ts'
import * as objects from './objects.ts'
import { readOpenapi } from './openapi.ts'
import * as peers from './peers.ts'
import { preflight, problem, type Reply } from './reply.ts'
import { headerOf, type Request } from './request.ts'
import { type Operation, ROUTES, type Route } from './routes.ts'
import { search } from './search.ts'
import { createTicket } from './tickets.ts'
import * as users from './users.ts'

export type Handler = (request: Request) => Promise<Reply>

const HANDLERS: Readonly<Record<Operation, Handler>> = {
  readHealth,
  readOpenapi,
  readBootstrap,
  createEnrolment,
  createTicket,
  ...users,
  ...blocks,
  ...networks,
  ...members,
  ...invites,
  ...peers,
  ...collections,
  ...objects,
  search,
  ...apiKeys,
}

export function createHandler(context: Context) {
  const routes = ROUTES.map((route) => ({
    method: route.method,
    path: route.path,
    handler: serve(context, route),
  }))
  const notFoundResponse = ({ method, path }: { method: string; path: string }) => {
    if (method === 'OPTIONS') return preflight()
    throw new StraightwayError('not-found', `There is no ${method} ${path}: see GET /v1/openapi.json`)
  }
  return middy<APIGatewayProxyEvent, APIGatewayProxyResult>()
    .onError(async (request) => {
      request.response = problem(request.error)
    })
    .handler(httpRouter({ routes, notFoundResponse }))
}

function serve(context: Context, route: Route & { readonly operation: Operation }) {
  const handler = HANDLERS[route.operation]
  return async (event: APIGatewayProxyEvent): Promise<Reply> => {
    const actor = await actorFor(route, context, event)
    return handler({ context, actor, event })
  }
}

/** Errors: `unauthenticated`, `forbidden` at the first door. */
async function actorFor({ who }: Route, context: Context, event: APIGatewayProxyEvent): Promise<Actor> {
  if (who === 'anybody') return { kind: 'nobody' }
  const actor = await authenticate(context, headerOf(event, 'authorization'))
  if (actor.kind === 'nobody') throw new StraightwayError('unauthenticated', 'Send an API key or a ticket')
  if (who === 'key' && actor.kind !== 'key')
    throw new StraightwayError('forbidden', 'Only an API key may do this')
  return actor
}
