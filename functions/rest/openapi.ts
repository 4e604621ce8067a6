/** The OpenAPI 3.1 description, made from the routes and from the schemas that the handlers check with. */
import { z } from 'zod'
import { ERRORS } from '../../shared/errors.ts'
import { LIMITS } from '../../shared/limits.ts'
import { newApiKeySchema } from '../../shared/model/api-key.ts'
import { collectionSchema } from '../../shared/model/collection.ts'
import { newInviteSchema } from '../../shared/model/invite.ts'
import { membershipSchema } from '../../shared/model/membership.ts'
import { newNetworkSchema } from '../../shared/model/network.ts'
import { objectSchema } from '../../shared/model/object.ts'
import { newPeerSchema } from '../../shared/model/peer.ts'
import { newUserSchema } from '../../shared/model/user.ts'
import { enrolmentSchema } from './enrolments.ts'
import { ok, type Reply } from './reply.ts'
import { type Operation, ROUTES, type Route } from './routes.ts'
import { networkPatchSchema, objectPatchSchema, patchSchema } from './schemas.ts'
import { ticketRequestSchema } from './tickets.ts'

/** Bodies by operation; an operation that is not here takes none. */
export const BODIES: Readonly<Partial<Record<Operation, z.ZodType>>> = {
  createEnrolment: enrolmentSchema,
  createTicket: ticketRequestSchema,
  createUser: newUserSchema,
  updateUser: patchSchema,
  createNetwork: newNetworkSchema,
  updateNetwork: networkPatchSchema,
  putMember: membershipSchema,
  createInvite: newInviteSchema,
  createPeer: newPeerSchema,
  updatePeer: patchSchema,
  putCollection: collectionSchema,
  putObject: objectSchema,
  updateObject: objectPatchSchema,
  createApiKey: newApiKeySchema,
}

export async function readOpenapi(): Promise<Reply> {
  return ok(describeApi(), { 'cache-control': 'public, max-age=300' })
}

export function describeApi() {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of ROUTES) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: describeRoute(route) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Straightway INDEX', version: '1' },
    paths,
    components: {
      schemas: { Problem: PROBLEM },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key (`sw_...`) or a ticket' },
      },
    },
  }
}

function describeRoute(route: Route & { readonly operation: Operation }) {
  const body = BODIES[route.operation]
  return {
    operationId: route.operation,
    summary: route.summary,
    security: route.who === 'anybody' ? [] : [{ bearer: [] }],
    parameters: [...pathParameters(route.path), ...queryParameters(route)],
    ...(body && { requestBody: { required: true, content: contentOf(body) } }),
    responses: {
      '2XX': { description: 'Done' },
      default: { description: 'Problem details (RFC 9457)', content: PROBLEM_CONTENT },
    },
  }
}

function contentOf(body: z.ZodType) {
  return { 'application/json': { schema: z.toJSONSchema(body, { io: 'input', unrepresentable: 'any' }) } }
}

function pathParameters(path: string) {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => parameter(name!, 'path', { type: 'string' }))
}

function queryParameters({ operation, pages, filters }: Route) {
  const searched = operation === 'search' ? ['entity', 'collection'] : []
  const texts = [...searched, ...(filters ? ['filter', 'network'] : []), ...(pages ? ['cursor'] : [])]
  const limit = { type: 'integer', minimum: 1, maximum: LIMITS.pageSize, default: LIMITS.pageSize }
  return [
    ...texts.map((name) => parameter(name, 'query', { type: 'string' })),
    ...(pages ? [parameter('limit', 'query', limit)] : []),
  ]
}

function parameter(name: string, place: 'path' | 'query', schema: object) {
  return { name, in: place, required: place === 'path', schema }
}

const PROBLEM = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { enum: Object.keys(ERRORS) },
    detail: { type: 'string' },
  },
}
const PROBLEM_CONTENT = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
