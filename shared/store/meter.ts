/** Counts the cost of reads, so that a page of a search can be bounded by it. */
import type { ConsumedCapacity, ReturnConsumedCapacity } from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'

export class Meter {
  /** Read units of DynamoDB: 4 KB read eventually consistent cost half a unit. */
  units = 0
  calls = 0
}

interface Reading {
  readonly input: {
    ReturnConsumedCapacity?: ReturnConsumedCapacity | undefined
    ConsistentRead?: boolean | undefined
    RequestItems?: Record<string, { ConsistentRead?: boolean | undefined }> | undefined
  }
}

interface Answer {
  readonly ConsumedCapacity?: ConsumedCapacity | readonly ConsumedCapacity[]
}

/**
 * A client whose reads are counted by the meter. `eventually` turns consistent reads, which cost twice as much, into
 * eventually consistent ones: results may be some milliseconds old.
 */
export function metered(
  client: DynamoDBDocumentClient,
  meter: Meter,
  { eventually = false } = {},
): DynamoDBDocumentClient {
  const send = async (command: Reading, ...rest: readonly unknown[]) => {
    command.input.ReturnConsumedCapacity = 'TOTAL'
    if (eventually) readEventually(command)
    meter.calls++
    const answer = await (client.send as (...all: unknown[]) => Promise<Answer>).call(
      client,
      command,
      ...rest,
    )
    meter.units += unitsOf(answer)
    return answer
  }
  return { send } as unknown as DynamoDBDocumentClient
}

function readEventually({ input }: Reading): void {
  if (input.ConsistentRead !== undefined) input.ConsistentRead = false
  for (const request of Object.values(input.RequestItems ?? {})) request.ConsistentRead = false
}

function unitsOf({ ConsumedCapacity: consumed }: Answer): number {
  const all = consumed === undefined ? [] : Array.isArray(consumed) ? consumed : [consumed]
  return all.reduce((sum: number, { CapacityUnits = 0 }: ConsumedCapacity) => sum + CapacityUnits, 0)
}
