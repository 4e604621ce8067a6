/** The part of a stream's reader that notes what changed for the function that indexes it. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { queueForIndex } from '../../shared/store/index-queue.ts'
import type { Part } from './one-reader.ts'
import { subjectsOf } from './subjects.ts'

/** All of the batch comes again if it cannot be noted. */
export function createIndexNote(client: DynamoDBDocumentClient, now: () => number = Date.now): Part {
  return async ({ Records }) => {
    const subjects = [...subjectsOf(Records).values()].map(([subject]) => subject)
    await queueForIndex(client, subjects, now())
    return { batchItemFailures: [] }
  }
}
