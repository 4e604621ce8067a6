/** The items that the records of a stream are about. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { unmarshall } from '@aws-sdk/util-dynamodb'
import type { DynamoDBRecord } from 'aws-lambda'
import { READING, tableName } from '../../shared/store/client.ts'
import { type QueuedBatch, type Subject, subjectsIn } from '../../shared/store/index-queue.ts'
import { TABLES, type TableName } from '../../shared/store/tables.ts'

/**
 * Each subject once, with the sequence number of the first record that names it: from there a failed batch is
 * delivered again.
 */
export function subjectsOf(records: readonly DynamoDBRecord[]): ReadonlyMap<string, [Subject, string]> {
  const subjects = new Map<string, [Subject, string]>()
  for (const record of records)
    for (const subject of namedBy(record)) {
      const name = JSON.stringify([subject.table, subject.keys])
      if (!subjects.has(name)) subjects.set(name, [subject, record.dynamodb?.SequenceNumber ?? ''])
    }
  return subjects
}

/** The subjects that a queued batch notes, or the item of the record itself. */
function namedBy({ eventSourceARN, dynamodb }: DynamoDBRecord): readonly Subject[] {
  const table = tableOf(eventSourceARN ?? '')
  if (table === undefined || dynamodb?.Keys === undefined) return []
  if (table === 'IndexQueue') return queuedIn(dynamodb.NewImage)
  const keys = Object.fromEntries(Object.entries(dynamodb.Keys).map(([name, { S = '' }]) => [name, S]))
  return [{ table, keys }]
}

/** The subjects of a queued batch. None if the batch was removed: they were delivered when it was written. */
function queuedIn(image: NonNullable<DynamoDBRecord['dynamodb']>['NewImage']): readonly Subject[] {
  if (image === undefined) return []
  return subjectsIn(unmarshall(image as Record<string, AttributeValue>, READING) as QueuedBatch)
}

/** The table of a stream, from its ARN: arn:aws:dynamodb:region:account:table/name/stream/label */
export function tableOf(arn: string): TableName | undefined {
  const [, deployed] = arn.split('/')
  return (Object.keys(TABLES) as TableName[]).find((name) => tableName(name) === deployed)
}
