/**
 * Posts events to webhooks: new ones when their stream delivers them, and those that are due once a minute.
 *
 *   DYNAMODB_ENDPOINT   another DynamoDB than that of AWS
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { unmarshall } from '@aws-sdk/util-dynamodb'
import type { DynamoDBBatchResponse, DynamoDBStreamEvent, ScheduledEvent } from 'aws-lambda'
import { createClient, READING } from '../../shared/store/client.ts'
import { createDeliveries } from '../../shared/store/deliveries.ts'
import type { DeliveryItem } from '../../shared/store/delivery-items.ts'
import { fromEnvironment } from '../environment.ts'
import { createDeliver, type DeliverContext } from './deliver.ts'
import { createPost } from './post.ts'

/** Deliveries that the schedule takes at a time, from each of four buckets. */
const PART = 25
/** Time for one call to take more. */
const WORKING_MS = 40_000

/**
 * Posts what the stream delivers. It always succeeds: what could not be posted is due in a minute, even if this call dies.
 */
export function createWebhookStream(context: DeliverContext) {
  const deliver = createDeliver(context)
  return async ({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
    const items = Records.filter(({ eventName }) => eventName === 'INSERT').flatMap(({ dynamodb }) => {
      const image = dynamodb?.NewImage as Record<string, AttributeValue> | undefined
      return image ? [unmarshall(image, READING) as DeliveryItem] : []
    })
    await deliver(items).catch((error) => console.error('deliveries wait:', error))
    return { batchItemFailures: [] }
  }
}

/** Posts what is due. */
export function createWebhookSchedule(context: DeliverContext) {
  const [deliver, deliveries] = [createDeliver(context), createDeliveries(context.client)]
  return async (): Promise<{ posted: number }> => {
    const until = context.now() + WORKING_MS
    let posted = 0
    for (;;) {
      const due = await deliveries.due(context.now(), PART)
      await deliver(due)
      posted += due.length
      if (due.length === 0 || context.now() > until) return { posted }
    }
  }
}

const contextFrom = ({ DYNAMODB_ENDPOINT: endpoint }: NodeJS.ProcessEnv): DeliverContext => ({
  client: createClient({ endpoint }),
  post: createPost(),
  now: Date.now,
})

export const handler = fromEnvironment(contextFrom, (context) => {
  const [stream, schedule] = [createWebhookStream(context), createWebhookSchedule(context)]
  return async (event: DynamoDBStreamEvent | ScheduledEvent) =>
    'Records' in event ? stream(event) : schedule()
})
