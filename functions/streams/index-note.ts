/** The part of a stream's reader (one-reader.ts) that notes what changed, for the function that indexes it. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { queueForIndex } from '../../shared/store/index-queue.ts'
import type { Part } from './one-reader.ts'
import { subjectsOf } from './subjects.ts'

/** Notes the subjects of a batch. If that fails the whole batch is delivered again. */
export function createIndexNote(client: DynamoDBDocumentClient, now: () => number = Date.now): Part {
  return async ({ Records }) => {
    const subjects = [...subjectsOf(Records).values()].map(([subject]) => subject)
    await queueForIndex(client, subjects, now())
    return { batchItemFailures: [] }
  }
}
