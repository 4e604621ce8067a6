/**
 * The frame of every stream function. A batch is handled in two steps:
 *
 *   1. Every record becomes a change, and the function says which pushes follow from it for which nodes. Changes are
 *      handled concurrently. The first one that fails, and all behind it, are delivered again.
 *   2. The pushes for a node, in the order of the records, are posted to it together (push.ts).
 *
 * A record whose pushes could not be posted is delivered again, with all behind it. Pushes are idempotent, so a node
 * may receive one twice.
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { unmarshall } from '@aws-sdk/util-dynamodb'
import middy from '@middy/core'
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda'
import { StraightwayError } from '../../shared/errors.ts'
import type { NodeId } from '../../shared/ids.ts'
import type { Push } from '../../shared/push.ts'
import { READING } from '../../shared/store/client.ts'
import type { Pusher } from './push.ts'

/** `before` is absent for a new item, `after` for a removed one. */
export interface Change<Item> {
  readonly before?: Item
  readonly after?: Item
  /** Epoch milliseconds, with a resolution of a second. */
  readonly at: number
}

/** A push and its recipients. */
export interface Told {
  readonly nodes: Iterable<NodeId>
  readonly push: Push
}

/**
 * `begin` makes the state that the changes of one invocation share. `react` returns the pushes that follow from one
 * change.
 */
export function onChanges<Item, Scope>(
  push: Pusher,
  begin: () => Scope,
  react: (change: Change<Item>, scope: Scope) => Promise<readonly Told[]>,
) {
  return middy<DynamoDBStreamEvent, DynamoDBBatchResponse>().handler(async ({ Records }) => {
    const scope = begin()
    const reactions = Records.map(async (record) => react(changeOf<Item>(record), scope))
    const outcomes = await Promise.allSettled(reactions)
    const told: (readonly Told[])[] = []
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === 'rejected') {
        complain(Records[i]!, outcome.reason)
        break
      }
      told.push(outcome.value)
    }
    const { delivered, error } = await push(told)
    if (error !== undefined) complain(Records[delivered]!, error)
    const left = Records[delivered]
    return { batchItemFailures: left ? [{ itemIdentifier: left.dynamodb?.SequenceNumber ?? '' }] : [] }
  })
}

/**
 * Logs an error unless it is `unavailable`: that record is retried shortly. One that keeps failing ends in the
 * dead-letter queue.
 */
function complain({ eventName, dynamodb }: DynamoDBRecord, error: unknown): void {
  if (error instanceof StraightwayError && error.code === 'unavailable') return
  console.error(`${eventName} ${JSON.stringify(dynamodb?.Keys)}:`, error)
}

function changeOf<Item>({ dynamodb = {} }: DynamoDBRecord): Change<Item> {
  const { OldImage, NewImage, ApproximateCreationDateTime = 0 } = dynamodb
  return {
    ...(OldImage && { before: itemOf<Item>(OldImage) }),
    ...(NewImage && { after: itemOf<Item>(NewImage) }),
    at: ApproximateCreationDateTime * 1000,
  }
}

const itemOf = <Item>(image: NonNullable<NonNullable<DynamoDBRecord['dynamodb']>['NewImage']>): Item =>
  unmarshall(image as Record<string, AttributeValue>, READING) as Item
