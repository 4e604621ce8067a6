/** The items of deliveries.ts. */
import { startOf } from '../model/audit.ts'
import type { DeliveryRecord, DeliveryState } from '../resources.ts'

/** The item. `stream` is the webhook and a bucket, `due` a bucket of all waiting deliveries. */
export interface DeliveryItem extends DeliveryRecord {
  readonly stream: string
  /** The CloudEvent, as it is signed and sent. */
  readonly body: string
  readonly due?: string
  readonly dueAt?: string
  readonly expiresAtSeconds: number
}

/** Partitions of a webhook, and of what waits: one takes about 300 events a second. */
const BUCKETS = 4
/** Time for the stream, or for whoever has claimed a delivery, to post it. */
export const LEASE_MS = 60_000
/** Days. */
const KEPT_DAYS = { waiting: 30, delivered: 7, dead: 30 } as const
const DAY_MS = 24 * 3600_000

export type NewDelivery = Pick<DeliveryItem, 'webhook' | 'delivery' | 'type' | 'body'>

export function newItem({ webhook, delivery, type, body }: NewDelivery, now: number): DeliveryItem {
  const bucket = bucketOf(delivery)
  return {
    ...{ stream: `${webhook}/${bucket}`, webhook, delivery, type, body },
    ...{ state: 'waiting', attempts: 0, createdAt: now },
    ...{ due: `${bucket}`, dueAt: startOf(now + LEASE_MS), expiresAtSeconds: expiry('waiting', now) },
  }
}

export const buckets = () => Array.from({ length: BUCKETS }, (_, bucket) => bucket)

/** The bucket of a delivery. Its id ends with a hash. */
export const bucketOf = (delivery: string): number =>
  (delivery.codePointAt(delivery.length - 1) ?? 0) % BUCKETS

export const expiry = (state: DeliveryState, now: number): number =>
  Math.ceil((now + KEPT_DAYS[state] * DAY_MS) / 1000)
