/**
 * The frame of every stream function: records become changes, and are reacted to one after the other, in order. Where one
 * fails, it and all that follow come again, and nothing that was done before it.
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { unmarshall } from '@aws-sdk/util-dynamodb'
import middy from '@middy/core'
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda'
import { StraightwayError } from '../../shared/errors.ts'
import { READING } from '../../shared/store/client.ts'

/** Before is absent for an item that was made, after for one that was removed. */
export interface Change<Item> {
  readonly before?: Item
  readonly after?: Item
  /** Epoch milliseconds, to the second. */
  readonly at: number
}

/** `begin` makes what the changes of one invocation share. */
export function onChanges<Item, Scope>(
  begin: () => Scope,
  react: (change: Change<Item>, scope: Scope) => Promise<void>,
) {
  return middy<DynamoDBStreamEvent, DynamoDBBatchResponse>().handler(async ({ Records }) => {
    const scope = begin()
    for (const record of Records) {
      try {
        await react(changeOf<Item>(record), scope)
      } catch (error) {
        if (!isPassing(error))
          console.error(`${record.eventName} ${JSON.stringify(record.dynamodb?.Keys)}:`, error)
        return { batchItemFailures: [{ itemIdentifier: record.dynamodb?.SequenceNumber ?? '' }] }
      }
    }
    return { batchItemFailures: [] }
  })
}

/** Comes again in a moment; what fails for good ends in the dead-letter queue. */
const isPassing = (error: unknown): boolean =>
  error instanceof StraightwayError && error.code === 'unavailable'

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
