/**
 * Writes with named refusals: each carries the error that is meant when its condition does not hold, so that callers
 * state rules and not exception classes. Every write of INDEX is a transaction, also a single one: the token that the SDK
 * adds makes a write that is sent again after its answer was lost succeed once, instead of failing on its own traces.
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

/** Attempts end after this long, well within the 15 seconds of the function. */
const PATIENCE_MS = 9_000
/** Pauses are random between zero and a bound that doubles up to the second figure. */
const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 400

/** What another transaction or a throttle refuses for the moment. */
const PASSING_REASONS = new Set([
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
  'RequestLimitExceeded',
])

/**
 * All of the steps or none. Throws the refusal of the first step whose condition does not hold, `unavailable` where other
 * writes are in the way for longer than nine seconds.
 */
export async function transact(client: DynamoDBDocumentClient, steps: readonly Step[]): Promise<void> {
  const TransactItems = steps.map(({ write }) => write)
  await patiently(
    () => client.send(new TransactWriteCommand({ TransactItems })),
    (error) => {
      const reasons = error instanceof TransactionCanceledException ? codesOf(error) : []
      const refused = steps.find((_, i) => reasons[i] === 'ConditionalCheckFailed')?.refused
      if (refused !== undefined) throw refused
      return reasons.some((reason) => reason !== undefined && PASSING_REASONS.has(reason))
    },
  )
}

/** The refusal of a write whose item was changed since it was read: the store reads it again. */
export const CHANGED = new StraightwayError(
  'conflict',
  'It was changed meanwhile: read it again and try again',
)

/** The refusal of a write that was allowed by facts which hold no longer: it is judged again. */
export const OUTDATED = new StraightwayError('conflict', 'What allowed this was changed meanwhile: try again')

/** Reads, decides and writes again while somebody else changes the item in between. Errors: `unavailable`. */
export function retrying<T>(attempt: () => Promise<T>, refused = CHANGED): Promise<T> {
  return patiently(attempt, (error) => error === refused)
}

/** Repeats while `passes` says so of the error, with growing random pauses. */
async function patiently<T>(attempt: () => Promise<T>, passes: (error: unknown) => boolean): Promise<T> {
  const until = Date.now() + PATIENCE_MS
  for (let bound = FIRST_PAUSE_MS; ; bound = Math.min(2 * bound, LONGEST_PAUSE_MS)) {
    try {
      return await attempt()
    } catch (error) {
      if (!passes(error)) throw error
      if (Date.now() > until) throw new StraightwayError('unavailable', BUSY, { cause: error })
    }
    await delay(Math.random() * bound)
  }
}

const BUSY = 'Many change this at the same time, and nothing was done: try again in a moment'

function codesOf(error: TransactionCanceledException): readonly (string | undefined)[] {
  return error.CancellationReasons?.map(({ Code }) => Code) ?? []
}
