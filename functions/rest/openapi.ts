/** The OpenAPI 3.1 document, made from the definitions of the routes. */
import { z } from 'zod'
import { ERRORS } from '../../shared/errors.ts'
import { errorsOf, PARAMETERS, type Route } from './route.ts'

export function describeApi(api: readonly Route[]) {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of api) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: describeRoute(route) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Straightway INDEX',
      version: '1',
      description: 'Users, networks, members, peers and objects of a peer-to-peer application.',
    },
    servers: [{ url: '/', description: 'The deployment that answers with this document' }],
    tags: [...new Set(api.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { Problem: PROBLEM },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key (`sw_...`) or a ticket' },
      },
    },
  }
}

function describeRoute(route: Route) {
  const { operation, who, tag, summary, permission, body, example } = route
  return {
    operationId: operation,
    tags: [tag],
    summary,
    ...(permission && { 'x-permission': permission }),
    security: who === 'anybody' ? [] : [{ bearer: [] }],
    parameters: [...pathParameters(route), ...queryParameters(route), ...headerParameters(route)],
    ...(body && { requestBody: { required: true, content: contentOf(body, 'input', example) } }),
    responses: { ...problemsOf(route), ...answersOf(route) },
  }
}

function answersOf({ answers, conditional, method }: Route) {
  const described = Object.entries(answers).map(([status, schema]) => [
    status,
    { description: DESCRIPTIONS[Number(status)], ...(schema && { content: contentOf(schema, 'output') }) },
  ])
  const known = method === 'GET' || conditional ? [['304', { description: DESCRIPTIONS[304] }]] : []
  return Object.fromEntries([...described, ...(method === 'GET' ? known : [])])
}

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  200: 'Done',
  201: 'Made; `location` says where it is',
  202: 'Begun; `location` says how far it has come',
  204: 'Done; there is nothing to tell',
  304: 'The caller has this version already',
  503: 'What the function needs does not work',
}

/** One response per status, whose description lists the error codes with that status. */
function problemsOf(route: Route) {
  const byStatus = new Map<number, string[]>()
  for (const code of errorsOf(route)) {
    const { status } = ERRORS[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, codes]) => [
        `${status}`,
        { description: `\`${codes.join('` or `')}\``, content: PROBLEM_CONTENT },
      ]),
  )
}

function contentOf(schema: z.ZodType, io: 'input' | 'output', example?: unknown) {
  const described = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return {
    'application/json': { schema: withoutDialect(described), ...(example !== undefined && { example }) },
  }
}

function withoutDialect({ $schema: _, ...schema }: z.core.JSONSchema.BaseSchema) {
  return schema
}

function pathParameters({ parameters }: Route) {
  return parameters.map((name) => ({ name, in: 'path', required: true, schema: schemaOf(PARAMETERS[name]) }))
}

function queryParameters({ query = {} }: Route) {
  return Object.entries(query).map(([name, schema]) => ({
    name,
    in: 'query',
    required: !schema.safeParse(undefined).success,
    schema: schemaOf(schema),
  }))
}

function headerParameters({ conditional, method, who }: Route) {
  const names = [
    ...(conditional || method === 'GET' ? ['If-Match', 'If-None-Match'] : []),
    ...(method === 'POST' && who !== 'anybody' ? ['Idempotency-Key'] : []),
  ]
  return names.map((name) => ({ name, in: 'header', required: false, schema: { type: 'string' } }))
}

const schemaOf = (schema: z.ZodType) =>
  withoutDialect(z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' }))

const PROBLEM = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { enum: Object.keys(ERRORS) },
    detail: { type: 'string' },
    request: { type: 'string', description: 'Id of the request, for logs and the audit trail' },
  },
}
const PROBLEM_CONTENT = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
