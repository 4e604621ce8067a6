/** Routes for API keys. Only an admin key may see and change them. */
import { StraightwayError } from '../../shared/errors.ts'
import { newApiKeySchema } from '../../shared/model/api-key.ts'
import { createApiKeys } from '../../shared/store/api-keys.ts'
import { apiKeyAnswer, madeApiKeyAnswer, pageOf } from './answers.ts'
import { created, nothing, ok, page } from './reply.ts'
import { PAGE, route } from './route.ts'

const tag = 'API keys'

export const apiKeyRoutes = [
  route({
    operation: 'createApiKey',
    door: 'POST /v1/api-keys',
    who: 'key',
    permission: 'key.change',
    tag,
    summary: 'Make an API key; its token is told once',
    body: newApiKeySchema,
    example: { name: 'ci', role: 'read' },
    answers: { 201: madeApiKeyAnswer },
    errors: ['conflict'],
    async handle({ context: { client, now }, allow, body, random }) {
      allow()
      const { apiKey, token } = await createApiKeys(client).create(body(), now(), random)
      return created({ ...apiKey, token }, `/v1/api-keys/${apiKey.key}`)
    },
  }),
  route({
    operation: 'listApiKeys',
    door: 'GET /v1/api-keys',
    who: 'key',
    permission: 'key.read',
    tag,
    summary: 'API keys without their secrets',
    query: PAGE,
    answers: { 200: pageOf(apiKeyAnswer) },
    async handle({ context, allow, query }) {
      allow()
      return page(await createApiKeys(context.client).list(query))
    },
  }),
  route({
    operation: 'readApiKey',
    door: 'GET /v1/api-keys/{key}',
    who: 'key',
    permission: 'key.read',
    tag,
    summary: 'An API key without its secret',
    answers: { 200: apiKeyAnswer },
    async handle({ context, allow, path }) {
      allow()
      const apiKey = await createApiKeys(context.client).get(path.key)
      if (apiKey === undefined) throw new StraightwayError('not-found', 'There is no such API key')
      return ok(apiKey)
    },
  }),
  route({
    operation: 'deleteApiKey',
    door: 'DELETE /v1/api-keys/{key}',
    who: 'key',
    permission: 'key.change',
    tag,
    summary: 'Take an API key back; the last admin key stays',
    answers: { 204: null },
    errors: ['conflict'],
    async handle({ context, allow, path }) {
      allow()
      await createApiKeys(context.client).delete(path.key, context.now())
      return nothing()
    },
  }),
]
