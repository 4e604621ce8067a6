/**
 * Runs unfinished jobs on a schedule (shared/store/deletions.ts). A run that ends early, for whatever reason, is
 * continued by the next one.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import type { ScheduledEvent } from 'aws-lambda'
import { createClient } from '../../shared/store/client.ts'
import { createDeletions } from '../../shared/store/deletions.ts'
import { createJobs } from '../../shared/store/jobs.ts'
import { fromEnvironment } from '../environment.ts'

export interface JobsContext {
  readonly client: DynamoDBDocumentClient
  readonly now: () => number
}

/** Jobs per page of the listing. */
const PAGE = 25

export function createJobRunner({ client, now }: JobsContext) {
  const [jobs, deletions] = [createJobs(client), createDeletions(client)]
  return middy<ScheduledEvent, { ran: number }>().handler(async () => {
    const failures: unknown[] = []
    let ran = 0
    let cursor: string | undefined
    do {
      const page = await jobs.list('running', { limit: PAGE, cursor })
      for (const job of page.items) {
        await deletions.run(job, now()).catch((error) => failures.push(error))
        ran++
      }
      cursor = page.cursor
    } while (cursor !== undefined)
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} of ${ran} jobs failed`)
    return { ran }
  })
}

export const handler = fromEnvironment(
  ({ DYNAMODB_ENDPOINT: endpoint }) => ({ client: createClient({ endpoint }), now: Date.now }),
  createJobRunner,
)
