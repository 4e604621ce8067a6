/** Jobs: what is to be done, and the progress. A finished job is kept for 30 days. */
import { type DynamoDBDocumentClient, GetCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { type Job, jobIdSchema } from '../model/job.ts'
import { tableName } from './client.ts'
import { decodeCursor, encodeCursor, type Page, type PageRequest } from './pages.ts'
import { OUTDATED, type Step } from './transact.ts'

const KEPT_SECONDS = 30 * 24 * 3600

export type Jobs = ReturnType<typeof createJobs>

export function createJobs(client: DynamoDBDocumentClient) {
  const TableName = tableName('Jobs')

  async function update(job: string, expression: string, values: Readonly<Record<string, unknown>>) {
    const command = new UpdateCommand({
      TableName,
      Key: { job },
      UpdateExpression: expression,
      ExpressionAttributeNames: namesIn(expression),
      ExpressionAttributeValues: values,
    })
    await client.send(command)
  }

  return {
    /**
     * The step that stores a job, for the transaction that accepts the work. Refused with OUTDATED if the job is
     * already running.
     */
    starts(job: Job): Step {
      const condition = 'attribute_not_exists(createdAt) OR #state = :done'
      const Put = {
        TableName,
        Item: job,
        ConditionExpression: condition,
        ExpressionAttributeNames: namesIn(condition),
        ExpressionAttributeValues: { ':done': 'done' },
      }
      return { refused: OUTDATED, write: { Put } }
    },

    async get(job: string): Promise<Job | undefined> {
      const { Item } = await client.send(new GetCommand({ TableName, Key: { job }, ConsistentRead: true }))
      return Item && toJob(Item as JobItem)
    },

    /** Jobs in one state. A change is seen after about a second. */
    async list(state: Job['state'], { limit, cursor }: PageRequest): Promise<Page<Job>> {
      const query = new QueryCommand({
        TableName,
        IndexName: 'byState',
        KeyConditionExpression: '#state = :state',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: { ':state': state },
        Limit: limit,
        ...(cursor !== undefined && { ExclusiveStartKey: { state, job: decodeCursor(cursor, jobIdSchema) } }),
      })
      const { Items = [], LastEvaluatedKey } = await client.send(query)
      const items = (Items as JobItem[]).map(toJob)
      return LastEvaluatedKey === undefined
        ? { items }
        : { items, cursor: encodeCursor(LastEvaluatedKey.job as string) }
    },

    begins: (job: string, now: number) =>
      update(job, 'SET #updatedAt = :now ADD #runs :one REMOVE #failure', { ':now': now, ':one': 1 }),
    isAt: (job: string, step: string, now: number) =>
      update(job, 'SET #step = :step, #updatedAt = :now', { ':step': step, ':now': now }),
    fails: (job: string, failure: string, now: number) =>
      update(job, 'SET #failure = :failure, #updatedAt = :now', { ':failure': failure, ':now': now }),
    isDone: (job: string, now: number) =>
      update(job, 'SET #state = :done, #updatedAt = :now, #expiresAtSeconds = :expires', {
        ':done': 'done',
        ':now': now,
        ':expires': Math.floor(now / 1000) + KEPT_SECONDS,
      }),
  }
}

type JobItem = Job & { readonly expiresAtSeconds?: number }

const toJob = ({ expiresAtSeconds: _, ...job }: JobItem): Job => job

/** Attribute names in an expression. They are written with `#` because some are reserved words. */
const namesIn = (expression: string): Record<string, string> =>
  Object.fromEntries([...expression.matchAll(/#(\w+)/g)].map(([mark, name]) => [mark, name!]))
