import { setTimeout as delay } from 'node:timers/promises'
import {
  BatchWriteCommand,
  type BatchWriteCommandInput,
  type DynamoDBDocumentClient,
} from '@aws-sdk/lib-dynamodb'

type Requests = NonNullable<BatchWriteCommandInput['RequestItems']>

export type WriteRequests = Requests[string]

/** The limit of BatchWriteItem. */
export const BATCH_WRITES = 25
/** Pauses before retries of unprocessed items are random, up to a bound that grows by this much each time. */
const UNPROCESSED_PAUSE_MS = 50

/** Writes and deletes items of one table without conditions, in any order. */
export async function writeMany(
  client: DynamoDBDocumentClient,
  table: string,
  requests: WriteRequests,
): Promise<void> {
  for (let at = 0; at < requests.length; at += BATCH_WRITES) {
    let left: Requests | undefined = { [table]: requests.slice(at, at + BATCH_WRITES) }
    for (let pause = 0; left !== undefined && Object.keys(left).length > 0; pause += UNPROCESSED_PAUSE_MS) {
      if (pause > 0) await delay(pause * Math.random())
      const reply: { UnprocessedItems?: Requests | undefined } = await client.send(
        new BatchWriteCommand({ RequestItems: left }),
      )
      left = reply.UnprocessedItems
    }
  }
}
