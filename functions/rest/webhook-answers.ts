/** The schemas of what INDEX answers of webhooks. */
import { z } from 'zod'
import { networkIdSchema } from '../../shared/model/identifiers.ts'
import { DELIVERY_STATES } from '../../shared/model/webhook.ts'
import type { DeliveryRecord, WebhookRecord } from '../../shared/resources.ts'
import { kept, maker, of, time } from './answer-parts.ts'

const webhook = {
  webhook: z.string(),
  name: z.string(),
  url: z.string(),
  events: z.array(z.string()),
  network: networkIdSchema.optional(),
  collection: z.string().optional(),
  active: z.boolean(),
  by: maker.optional(),
  ...kept,
}
export const webhookAnswer = of<WebhookRecord>()(z.strictObject(webhook))
export const madeWebhookAnswer = z.strictObject({ ...webhook, secret: z.string() })
export const deliveryAnswer = of<DeliveryRecord>()(
  z.strictObject({
    delivery: z.string(),
    webhook: z.string(),
    type: z.string(),
    state: z.enum(DELIVERY_STATES),
    attempts: z.int().min(0),
    createdAt: time,
    lastAt: time.optional(),
    lastStatus: z.int().optional(),
    failure: z.string().optional(),
  }),
)
export const testAnswer = z.strictObject({ delivery: z.string() })
export const replayAnswer = z.strictObject({ replayed: z.int().min(0), cursor: z.string().optional() })
