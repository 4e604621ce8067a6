/**
 * The frame of every stream function. A batch is handled in two steps:
 *
 *   1. Every record becomes a change, and the function says which pushes follow from it for which nodes. Changes are looked
 *      at together; the first one that fails, and all behind it, come again.
 *   2. What each node is to be told, in the order of the records, is posted to it at once (push.ts).
 *
 * A record whose pushes could not be handed over comes again, with all behind it: nodes take a push twice without harm.
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

/** Before is absent for an item that was made, after for one that was removed. */
export interface Change<Item> {
  readonly before?: Item
  readonly after?: Item
  /** Epoch milliseconds, to the second. */
  readonly at: number
}

/** A push, and the nodes that it is for. */
export interface Told {
  readonly nodes: Iterable<NodeId>
  readonly push: Push
}

/** `begin` makes what the changes of one invocation share; `react` says what follows from one of them. */
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

/** What comes again in a moment is not worth a line; what fails for good ends in the dead-letter queue. */
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
