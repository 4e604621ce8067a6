/** Routes for API keys. Only an admin key may see and change them. */
import { z } from 'zod'
import { StraightwayError } from '../../shared/errors.ts'
import { isWithin, newApiKeySchema, type Scope } from '../../shared/model/api-key.ts'
import type { Actor } from '../../shared/model/permission.ts'
import { createApiKeys } from '../../shared/store/api-keys.ts'
import { apiKeyAnswer, madeApiKeyAnswer, pageOf } from './answers.ts'
import { created, nothing, ok, page } from './reply.ts'
import { PAGE, route } from './route.ts'
import { ROUTES } from './routes.ts'

const tag = 'API keys'

const DAY_MS = 24 * 3600_000

const rotationSchema = z.strictObject({
  /** How long the secret before is still accepted, in milliseconds. */
  graceMs: z
    .int()
    .min(0)
    .max(30 * DAY_MS)
    .default(DAY_MS),
})

const NO_KEY = () => new StraightwayError('not-found', 'There is no such API key')

const OPERATIONS: ReadonlySet<string> = new Set(ROUTES.map(({ operation }) => operation))

function expectMakeable({ operations = [], expiresAt = Infinity }: Partial<Loose<Scope>>, now: number): void {
  const unknown = operations.find((name) => !OPERATIONS.has(name))
  if (unknown !== undefined) throw new StraightwayError('bad-request', `operations: there is no ${unknown}`)
  if (expiresAt <= now) throw new StraightwayError('bad-request', 'expiresAt: is past')
}

/** Errors: `forbidden` if the key would be allowed more than the caller, who learns its secret. */
function expectNoMightier(actor: Actor, scope: Loose<Scope>): void {
  if (actor.kind !== 'key' || !isWithin(actor, scope as Scope))
    throw new StraightwayError('forbidden', 'A key makes no key that is allowed more than itself')
}

type Loose<T> = { readonly [Name in keyof T]: T[Name] | undefined }

export const apiKeyRoutes = [
  route({
    operation: 'createApiKey',
    door: 'POST /v1/api-keys',
    who: 'key',
    permission: 'key.change',
    tag,
    summary: 'Make an API key; its token is told once',
    body: newApiKeySchema,
    example: { name: 'ci', role: 'read', operations: ['search', 'listUsers'] },
    answers: { 201: madeApiKeyAnswer },
    errors: ['conflict'],
    async handle({ context: { client, now }, actor, allow, body, random }) {
      allow()
      const given = body()
      expectMakeable(given, now())
      expectNoMightier(actor, given)
      const { apiKey, token } = await createApiKeys(client).create(given, now(), random)
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
      const apiKey = await createApiKeys(context.client).getWithUse(path.key)
      if (apiKey === undefined) throw NO_KEY()
      return ok(apiKey)
    },
  }),
  route({
    operation: 'rotateApiKey',
    door: 'POST /v1/api-keys/{key}/rotations',
    who: 'key',
    permission: 'key.change',
    tag,
    summary: 'Make a new secret for an API key; the one before works a while longer',
    body: rotationSchema,
    example: { graceMs: 3_600_000 },
    answers: { 200: madeApiKeyAnswer },
    errors: ['conflict'],
    async handle({ context: { client, now }, actor, allow, path, body, random }) {
      allow()
      const { graceMs } = body()
      const keys = createApiKeys(client)
      const known = await keys.get(path.key)
      if (known === undefined) throw NO_KEY()
      expectNoMightier(actor, known)
      const { apiKey, token } = await keys.rotate(path.key, { now: now(), graceMs, random })
      return ok({ ...apiKey, token })
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
