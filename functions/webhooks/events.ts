/**
 * The part of a stream's reader (one-reader.ts) that notes events for webhooks. A change is one event, whose id derives
 * from the stream record: a record that is delivered again is the same event.
 */
import { createHash } from 'node:crypto'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { unmarshall } from '@aws-sdk/util-dynamodb'
import type { DynamoDBRecord } from 'aws-lambda'
import { toBase32 } from '../../shared/ids.ts'
import { startOf } from '../../shared/model/audit.ts'
import { type EventName, type Happening, isHeardBy } from '../../shared/model/webhook.ts'
import { READING } from '../../shared/store/client.ts'
import { createDeliveries } from '../../shared/store/deliveries.ts'
import { forEach } from '../../shared/store/pages.ts'
import { createWebhooks, type WebhookItem } from '../../shared/store/webhooks.ts'
import type { Part } from '../streams/one-reader.ts'
import { tableOf } from '../streams/subjects.ts'
import { happeningIn } from './happenings.ts'

/** How long a process relies on the webhooks that it has read. */
const KNOWN_MS = 5_000

export function createEventNote(client: DynamoDBDocumentClient, now: () => number = Date.now): Part {
  const deliveries = createDeliveries(client)
  let known: { readonly at: number; readonly webhooks: readonly WebhookItem[] } | undefined

  async function webhooks(): Promise<readonly WebhookItem[]> {
    if (known === undefined || now() - known.at >= KNOWN_MS)
      known = { at: now(), webhooks: await createWebhooks(client).all() }
    return known.webhooks
  }

  return async ({ Records }) => {
    const hearing = (await webhooks()).filter(({ active }) => active)
    if (hearing.length === 0) return { batchItemFailures: [] }
    const heard = Records.flatMap((record) => {
      const event = eventOf(record)
      return event === undefined
        ? []
        : hearing.filter((each) => isHeardBy(each, event)).map((webhook) => ({ webhook, event }))
    })
    await forEach(heard, ({ webhook: { webhook }, event: { id: delivery, type, body } }) =>
      deliveries.note({ webhook, delivery, type, body }, now()),
    )
    return { batchItemFailures: [] }
  }
}

export interface Event extends Happening {
  readonly id: string
  /** The CloudEvent as JSON. */
  readonly body: string
}

function eventOf({ eventSourceARN = '', eventID = '', dynamodb = {} }: DynamoDBRecord): Event | undefined {
  const table = tableOf(eventSourceARN)
  const [before, after] = [itemIn(dynamodb.OldImage), itemIn(dynamodb.NewImage)]
  const happening = table && happeningIn(table, before, after)
  if (happening === undefined) return undefined
  const at = (dynamodb.ApproximateCreationDateTime ?? 0) * 1000
  const source = JSON.stringify([table, dynamodb.Keys, dynamodb.SequenceNumber, eventID])
  return newEvent(happening, at, createHash('sha256').update(source).digest())
}

export function newEvent(
  { subject, data, ...happening }: Happening & { readonly subject: string; readonly data: object },
  at: number,
  hash: Uint8Array,
): Event {
  const id = `${startOf(at)}.${toBase32(hash).slice(0, 20)}`
  const { type } = happening
  const cloudEvent = {
    ...{ specversion: '1.0', id, source: 'straightway', type: nameOf(type), subject },
    ...{ time: new Date(at).toISOString(), datacontenttype: 'application/json', data },
  }
  return { ...happening, id, body: JSON.stringify(cloudEvent) }
}

/** CloudEvents asks for a prefix that tells who defines the type. */
const nameOf = (type: EventName): string => `straightway.${type}`

type Image = NonNullable<DynamoDBRecord['dynamodb']>['NewImage']

const itemIn = (image: Image): object | undefined =>
  image && unmarshall(image as Record<string, AttributeValue>, READING)
