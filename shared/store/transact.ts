/**
 * Writes with named refusals: each carries the error that is meant when its condition does not hold, so that callers
 * state rules and not exception classes.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { TransactionCanceledException } from '@aws-sdk/client-dynamodb'
import {
  type DynamoDBDocumentClient,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'

export type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number]

export interface Step {
  readonly write: Write
  /** Thrown when the condition of the write does not hold. */
  readonly refused: StraightwayError
}

/** Two transactions on one item collide; the second is tried again this often, after growing pauses. */
const ATTEMPTS = 6
const PAUSE_MS = 15

/** All of the steps or none. Throws the refusal of the first step whose condition does not hold. */
export async function transact(client: DynamoDBDocumentClient, steps: readonly Step[]): Promise<void> {
  const TransactItems = steps.map(({ write }) => write)
  for (let attempt = 1; ; attempt++) {
    try {
      await client.send(new TransactWriteCommand({ TransactItems }))
      return
    } catch (error) {
      const reasons = error instanceof TransactionCanceledException ? codesOf(error) : undefined
      if (reasons === undefined) throw error
      const refused = steps.find((_, i) => reasons[i] === 'ConditionalCheckFailed')?.refused
      if (refused !== undefined) throw refused
      if (!reasons.includes('TransactionConflict') || attempt === ATTEMPTS) throw error
      await delay(PAUSE_MS * attempt)
    }
  }
}

/** The refusal of a write whose item was changed since it was read. */
export const CHANGED = new StraightwayError(
  'conflict',
  'It was changed meanwhile: read it again and try again',
)

/** Reads, decides and writes again while somebody else changes the item in between. */
export async function retrying<T>(attempt: () => Promise<T>): Promise<T> {
  for (let n = 1; ; n++) {
    try {
      return await attempt()
    } catch (error) {
      if (error !== CHANGED || n === ATTEMPTS) throw error
      await delay(PAUSE_MS * n)
    }
  }
}

function codesOf(error: TransactionCanceledException): readonly (string | undefined)[] {
  return error.CancellationReasons?.map(({ Code }) => Code) ?? []
}
