/**
 * Posts deliveries. Each is claimed first, so that the stream and the schedule never post the same one at a time. A
 * message may still come twice, if its answer was lost: receivers tell by `webhook-id`.
 *
 * A receiver that does not answer must not delay the others. After some failures in a row the rest of its deliveries is
 * put off for a minute without being tried, and counts no attempt.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { pauseAfter } from '../../shared/model/webhook.ts'
import { createDeliveries } from '../../shared/store/deliveries.ts'
import { type DeliveryItem, LEASE_MS } from '../../shared/store/delivery-items.ts'
import { forEach } from '../../shared/store/pages.ts'
import { createWebhooks, secretsOf, type WebhookItem } from '../../shared/store/webhooks.ts'
import type { Post, Posted } from './post.ts'
import { signedHeaders } from './sign.ts'

export interface DeliverContext {
  readonly client: DynamoDBDocumentClient
  readonly post: Post
  readonly now: () => number
  /** Default: Math.random. */
  readonly random?: () => number
}

/** Deliveries that one call posts to one receiver at a time. */
const AT_ONCE = 8
/** Failures in a row after which a receiver is left alone for a while. With AT_ONCE, that is twenty seconds of silence. */
const ENOUGH = 12
/** Time for one call to start posts. A post takes at most ten seconds more. */
const WORKING_MS = 40_000

const CONTENT = { 'content-type': 'application/cloudevents+json', 'user-agent': 'straightway-webhooks' }

export function createDeliver({ client, post, now, random = Math.random }: DeliverContext) {
  const [deliveries, webhooks] = [createDeliveries(client), createWebhooks(client)]

  async function toOne(webhook: WebhookItem | undefined, items: readonly DeliveryItem[], until: number) {
    let failures = 0
    await forEach(
      items,
      async (item) => {
        if (!(await deliveries.claim(item, now()))) return
        if (webhook === undefined || !webhook.active) {
          await deliveries.failed(item, 'the webhook is gone or paused', now(), undefined)
          return
        }
        if (failures >= ENOUGH || now() > until) {
          await deliveries.putOff(item, now() + LEASE_MS)
          return
        }
        const posted = await send(webhook, item)
        failures = isDelivered(posted) ? 0 : failures + 1
        await settle(webhook, item, posted)
      },
      AT_ONCE,
    )
  }

  function send(webhook: WebhookItem, { delivery: id, body }: DeliveryItem): Promise<Posted> {
    const signed = signedHeaders({ id, body }, secretsOf(webhook, now()), now())
    return post(webhook.url, { ...CONTENT, ...signed }, body)
  }

  async function settle(webhook: WebhookItem, item: DeliveryItem, posted: Posted): Promise<void> {
    const { status, failure, retryAfterMs } = posted
    if (isDelivered(posted)) return void (await deliveries.delivered(item, status!, now()))
    if (status === GONE) await webhooks.pause(webhook, now())
    const pause = status === GONE ? undefined : pauseAfter(item.attempts + 1, random(), retryAfterMs)
    const next = pause === undefined ? undefined : now() + pause
    await deliveries.failed(item, failure ?? `it answered ${status}`, now(), next)
  }

  /** Posts the deliveries of every webhook, in parallel. */
  return async (items: readonly DeliveryItem[]): Promise<void> => {
    if (items.length === 0) return
    const until = now() + WORKING_MS
    const known = new Map((await webhooks.all()).map((each) => [each.webhook, each]))
    const byWebhook = Map.groupBy(items, ({ webhook }) => webhook)
    await Promise.all([...byWebhook].map(([webhook, own]) => toOne(known.get(webhook), own, until)))
  }
}

/** Standard Webhooks: the receiver asks for no more. */
const GONE = 410

const isDelivered = ({ status = 0 }: Posted): boolean => status >= 200 && status < 300
