/** Routes for webhooks. They are for API keys: a webhook hears of every network. */
import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import { z } from 'zod'
import { StraightwayError } from '../../shared/errors.ts'
import { makerOf } from '../../shared/model/membership.ts'
import { DELIVERY_STATES, newWebhookSchema } from '../../shared/model/webhook.ts'
import { createDeliveries } from '../../shared/store/deliveries.ts'
import { createWebhooks, toWebhook } from '../../shared/store/webhooks.ts'
import { newEvent } from '../webhooks/events.ts'
import { isPublicAddress } from '../webhooks/public-address.ts'
import { pageOf } from './answers.ts'
import type { RestConfig } from './config.ts'
import { created, found, nothing, ok, page } from './reply.ts'
import { PAGE, route } from './route.ts'
import { webhookPatchSchema } from './schemas.ts'
import {
  deliveryAnswer,
  madeWebhookAnswer,
  replayAnswer,
  testAnswer,
  webhookAnswer,
} from './webhook-answers.ts'

const tag = 'Webhooks'

const time = z.int().min(0)

const replaySchema = z.strictObject({
  /** Epoch milliseconds. */
  since: time,
  /** Epoch milliseconds. Default: now. */
  until: time.optional(),
  states: z
    .array(z.enum(['delivered', 'dead']))
    .min(1)
    .default(['dead']),
  cursor: PAGE.cursor,
})

export const webhookRoutes = [
  route({
    operation: 'createWebhook',
    door: 'POST /v1/webhooks',
    who: 'key',
    permission: 'webhook.change',
    tag,
    summary: 'Make a webhook; its secret is told once',
    body: newWebhookSchema,
    example: { name: 'billing', url: 'https://example.com/hooks', events: ['member.*', 'peer.online'] },
    answers: { 201: madeWebhookAnswer },
    errors: ['conflict'],
    async handle({ context: { client, config, now }, actor, allow, body, random }) {
      allow()
      const given = body()
      expectReachable(given.url, config)
      const made = await createWebhooks(client).create({ ...given, by: makerOf(actor) }, now(), random)
      return created({ ...made.webhook, secret: made.secret }, `/v1/webhooks/${made.webhook.webhook}`)
    },
  }),
  route({
    operation: 'listWebhooks',
    door: 'GET /v1/webhooks',
    who: 'key',
    permission: 'webhook.read',
    tag,
    summary: 'Webhooks without their secrets',
    answers: { 200: pageOf(webhookAnswer) },
    async handle({ context, allow }) {
      allow()
      return page({ items: (await createWebhooks(context.client).all()).map(toWebhook) })
    },
  }),
  route({
    operation: 'readWebhook',
    door: 'GET /v1/webhooks/{webhook}',
    who: 'key',
    permission: 'webhook.read',
    tag,
    summary: 'A webhook without its secret',
    answers: { 200: webhookAnswer },
    async handle({ context, allow, path, precondition }) {
      allow()
      return found(toWebhook(await createWebhooks(context.client).require(path.webhook)), precondition)
    },
  }),
  route({
    operation: 'updateWebhook',
    door: 'PATCH /v1/webhooks/{webhook}',
    who: 'key',
    permission: 'webhook.change',
    tag,
    summary: 'Change what a webhook hears of and where, pause it or let it go on (merge patch)',
    body: webhookPatchSchema,
    example: { active: true },
    answers: { 200: webhookAnswer },
    conditional: true,
    async handle({ context: { client, config, now }, allow, path, body, precondition }) {
      allow()
      const patch = body()
      if (patch.url !== undefined) expectReachable(patch.url, config)
      return found(await createWebhooks(client).update(path.webhook, patch, precondition, now()))
    },
  }),
  route({
    operation: 'deleteWebhook',
    door: 'DELETE /v1/webhooks/{webhook}',
    who: 'key',
    permission: 'webhook.change',
    tag,
    summary: 'Delete a webhook; what is on its way is given up',
    answers: { 204: null },
    async handle({ context: { client, now }, allow, path }) {
      allow()
      const webhooks = createWebhooks(client)
      await webhooks.delete(toWebhook(await webhooks.require(path.webhook)), now())
      return nothing()
    },
  }),
  route({
    operation: 'rotateWebhook',
    door: 'POST /v1/webhooks/{webhook}/rotations',
    who: 'key',
    permission: 'webhook.change',
    tag,
    summary: 'Make a new secret; the one before signs too for a day',
    answers: { 200: madeWebhookAnswer },
    errors: ['conflict'],
    async handle({ context: { client, now }, allow, path, random }) {
      allow()
      const { webhook, secret } = await createWebhooks(client).rotate(path.webhook, now(), random)
      return ok({ ...webhook, secret })
    },
  }),
  route({
    operation: 'testWebhook',
    door: 'POST /v1/webhooks/{webhook}/tests',
    who: 'key',
    permission: 'webhook.change',
    tag,
    unrecorded: 'It changes nothing',
    summary: 'Send it the event `webhook.test`',
    answers: { 200: testAnswer },
    async handle({ context: { client, now }, allow, path, random }) {
      allow()
      const { webhook } = await createWebhooks(client).require(path.webhook)
      const happening = { type: 'webhook.test', networks: [], subject: webhook, data: { webhook } } as const
      const hash = createHash('sha256').update(random(16)).digest()
      const { id: delivery, type, body } = newEvent(happening, now(), hash)
      await createDeliveries(client).noteAsked({ webhook, delivery, type, body }, now())
      return ok({ delivery })
    },
  }),
  route({
    operation: 'listDeliveries',
    door: 'GET /v1/webhooks/{webhook}/deliveries',
    who: 'key',
    permission: 'webhook.read',
    tag,
    summary: 'Events for a webhook and how far they have come, newest first',
    query: { ...PAGE, state: z.enum(DELIVERY_STATES).optional() },
    answers: { 200: pageOf(deliveryAnswer) },
    async handle({ context: { client }, allow, path, query }) {
      allow()
      const { webhook } = await createWebhooks(client).require(path.webhook)
      return page(await createDeliveries(client).list(webhook, query, query.state))
    },
  }),
  route({
    operation: 'replayWebhook',
    door: 'POST /v1/webhooks/{webhook}/replays',
    who: 'key',
    permission: 'webhook.change',
    tag,
    unrecorded: 'It changes nothing but when an event is sent',
    summary: 'Send events of a time again, a part at a time; the cursor continues',
    body: replaySchema,
    example: { since: 1_790_000_000_000, states: ['dead'] },
    answers: { 200: replayAnswer },
    async handle({ context: { client, now }, allow, path, body }) {
      allow()
      const { since, until = now(), states, cursor } = body()
      const { webhook } = await createWebhooks(client).require(path.webhook)
      return ok(await createDeliveries(client).replay(webhook, { since, until, states, cursor }, now()))
    },
  }),
]

/**
 * Errors: `bad-request` for an address that no webhook is posted to. Names are resolved when they are posted to, where the
 * address is checked again (functions/webhooks/post.ts).
 */
function expectReachable(text: string, { privateWebhooks = false }: RestConfig): void {
  if (privateWebhooks) return
  const { protocol, hostname } = new URL(text)
  const host = hostname.replace(/^\[|\]$/g, '')
  if (protocol !== 'https:') throw new StraightwayError('bad-request', 'url: is no https URL')
  if (isIP(host) !== 0 && !isPublicAddress(host))
    throw new StraightwayError('bad-request', 'url: the address is not public')
}
