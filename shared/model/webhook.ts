/**
 * A webhook is an address that hears of changes. Signatures and headers follow Standard Webhooks
 * (standardwebhooks.com), bodies are CloudEvents 1.0.
 */
import { z } from 'zod'
import type { DeliveryState, WebhookRecord } from '../resources.ts'
import { collectionNameSchema } from './collection.ts'
import { networkIdSchema } from './identifiers.ts'
import { nameSchema } from './user.ts'

export type Webhook = WebhookRecord

/** The events that a webhook can ask for. A name with `*` as its last part stands for all that begin like it. */
export const EVENTS = [
  'user.created',
  'user.updated',
  'user.deleted',
  'network.created',
  'network.updated',
  'network.deleted',
  'member.created',
  'member.updated',
  'member.deleted',
  'peer.created',
  'peer.updated',
  'peer.revoked',
  'peer.online',
  'peer.offline',
  'object.created',
  'object.updated',
  'object.deleted',
  'webhook.test',
] as const
export type EventName = (typeof EVENTS)[number]

const PATTERNS = [...new Set(EVENTS.map((name) => `${name.split('.')[0]}.*`))]

export const DELIVERY_STATES = ['waiting', 'delivered', 'dead'] as const satisfies readonly DeliveryState[]

export const WEBHOOK_BYTES = 10
export const WEBHOOK_SECRET_BYTES = 32

export const webhookIdSchema = z.string().regex(/^w_[a-z2-7]{16}$/, 'is no webhook id')
export const deliveryIdSchema = z.string().regex(/^\d{15}\.[a-z2-7]{20}$/, 'is no delivery id')

const urlSchema = z
  .string()
  .max(2048)
  .refine((text) => problemOf(text) === undefined, { error: ({ input }) => problemOf(`${input}`)! })

function problemOf(text: string): string | undefined {
  if (!URL.canParse(text)) return 'is no URL'
  const { protocol, username, password, hash } = new URL(text)
  if (protocol !== 'https:' && protocol !== 'http:') return 'is no https URL'
  if (username !== '' || password !== '') return 'holds a credential: check the signature instead'
  return hash === '' ? undefined : 'has a fragment, which is never sent'
}

const eventsSchema = z
  .array(z.enum([...EVENTS, ...PATTERNS]))
  .min(1)
  .max(EVENTS.length)

export const newWebhookSchema = z.strictObject({
  name: nameSchema,
  url: urlSchema,
  events: eventsSchema,
  network: networkIdSchema.optional(),
  collection: collectionNameSchema.optional(),
})

/** The editable fields. Null for `network` or `collection` removes the restriction. */
export const editableWebhookSchema = z.strictObject({
  name: nameSchema,
  url: urlSchema,
  events: eventsSchema,
  network: networkIdSchema.optional(),
  collection: collectionNameSchema.optional(),
  active: z.boolean(),
})

/** The event that a webhook's filter is compared with. */
export interface Happening {
  readonly type: EventName
  /** The networks that it is about. */
  readonly networks: readonly string[]
  readonly collection?: string | undefined
}

export function isHeardBy(
  { active, events, network, collection }: Webhook,
  { type, networks, collection: of }: Happening,
): boolean {
  const isNamed = events.some((name) => name === type || name === `${type.split('.')[0]}.*`)
  const isThere = network === undefined || networks.includes(network)
  return active && isNamed && isThere && (collection === undefined || collection === of)
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** Pauses before each further attempt, about two days together. After the last one a delivery is dead. */
export const PAUSES_MS = [
  MINUTE,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  16 * HOUR,
] as const
/** Longest pause that a receiver can ask for with `Retry-After`. */
const LONGEST_PAUSE_MS = 24 * HOUR

/**
 * The pause after this many failed attempts; undefined if there are no more. `random` is from 0 to 1: pauses differ by up
 * to a tenth, so that deliveries that failed together do not come back together.
 */
export function pauseAfter(attempts: number, random: number, asked = 0): number | undefined {
  const pause = PAUSES_MS[attempts - 1]
  if (pause === undefined) return undefined
  return Math.max(pause * (0.9 + 0.2 * random), Math.min(asked, LONGEST_PAUSE_MS))
}
