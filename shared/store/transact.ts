/**
 * Transactions with named refusals: each write carries the error for the case that its condition does not hold. So
 * callers state rules instead of exception classes.
 *
 * Every write of INDEX is a transaction, even a single one, for the idempotency token that the SDK adds. A write that
 * is sent again because its answer was lost then succeeds once, and does not fail on its own first effect.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { TransactionCanceledException } from '@aws-sdk/client-dynamodb'
import {
  type DynamoDBDocumentClient,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import { auditWrite, type Told } from './audit-step.ts'
import { tableName } from './client.ts'
import { type Guard, guardsOf, isOf, noteOf, type Target } from './guarded.ts'

export type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number]

export interface Step {
  readonly write: Write
  /** Thrown if the condition of the write does not hold. */
  readonly refused: StraightwayError
}

/** Attempts end after this time, well within the function's timeout of 15 seconds. */
const PATIENCE_MS = 9_000
/** Pauses are random, from zero to a bound. The bound doubles from the first of these to the second. */
const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 400

/** Reasons for a cancellation that are transient: another transaction, or throttling. */
const PASSING_REASONS = new Set([
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
  'RequestLimitExceeded',
])

/**
 * Makes all of the writes or none, and only while the guards of the client hold. If the client has a note of its request,
 * the same transaction records in the audit trail what the caller `told`. Errors:
 *
 *   - OUTDATED if a guard does not hold, or if it is the refusal of any step whose condition does not hold;
 *   - else the refusal of the first step whose condition does not hold;
 *   - `unavailable` if other writes are in the way for longer than PATIENCE_MS.
 */
export async function transact(
  client: DynamoDBDocumentClient,
  changes: readonly Step[],
  ...told: readonly Told[]
): Promise<void> {
  const guards = guardsOf(client)
  const given = [...changes, ...recordsOf(client, told)]
  const steps = guards.reduce(withGuard, given)
  const refused = await refusedOf(client, steps)
  if (refused.length === 0) return
  const refusals = refused.map((i) => steps[i]!.refused)
  const isOutdated = refusals.includes(OUTDATED)
  // DynamoDB does not tell which half of a joined condition failed. The guards are therefore checked alone.
  const isJoined = !isOutdated && refused.some((i) => steps[i] !== given[i])
  if (isJoined && (await refusedOf(client, guards.map(stepOf))).length > 0) throw OUTDATED
  throw isOutdated ? OUTDATED : refusals[0]
}

function recordsOf(client: DynamoDBDocumentClient, told: readonly Told[]): readonly Step[] {
  const note = noteOf(client)
  if (note === undefined) return []
  if (told.length === 0) throw new StraightwayError('internal', `${note.operation} writes without a record`)
  return told.map((each) => ({ refused: CHANGED, write: auditWrite(note, each) }))
}

/** Indexes of the steps whose conditions do not hold. Empty if the steps were written. */
async function refusedOf(client: DynamoDBDocumentClient, steps: readonly Step[]): Promise<readonly number[]> {
  const TransactItems = steps.map(({ write }) => write)
  const send = async (): Promise<readonly number[]> => {
    try {
      await client.send(new TransactWriteCommand({ TransactItems }))
      return []
    } catch (error) {
      const refused = codesOf(error).flatMap((code, i) => (code === 'ConditionalCheckFailed' ? [i] : []))
      if (refused.length === 0) throw error
      return refused
    }
  }
  return patiently(send, (error) =>
    codesOf(error).some((code) => code !== undefined && PASSING_REASONS.has(code)),
  )
}

/** The refusal of a write whose item has changed since it was read: the store reads it again. */
export const CHANGED = new StraightwayError(
  'conflict',
  'It was changed meanwhile: read it again and try again',
)

/**
 * The refusal of a repeated request whose result was deleted. Its ids and secrets are derived from its
 * `Idempotency-Key`, so to make it again would bring back a secret that somebody took away.
 */
export const DELETED = new StraightwayError(
  'conflict',
  'What this request made was deleted: send it with another Idempotency-Key',
)

/** The refusal of a write whose grounds no longer hold: they are checked again. */
export const OUTDATED = new StraightwayError('conflict', 'What allowed this was changed meanwhile: try again')

/**
 * Adds a guard. A transaction may contain an item once only, so the guard's condition is joined to a step on the same
 * item.
 */
function withGuard(steps: readonly Step[], guard: Guard): readonly Step[] {
  const at = steps.findIndex(({ write }) => isOf(guard, operationOf(write)[1]))
  const found = steps[at]
  if (found === undefined) return [...steps, stepOf(guard)]
  const [kind, operation] = operationOf(found.write)
  const { ConditionExpression: own, ExpressionAttributeNames, ExpressionAttributeValues } = operation
  const { condition, names, values } = guard
  const joined = {
    ...operation,
    ConditionExpression: own === undefined ? condition : `(${own}) AND (${condition})`,
    ...merged('ExpressionAttributeNames', ExpressionAttributeNames, names),
    ...merged('ExpressionAttributeValues', ExpressionAttributeValues, values),
  }
  return steps.with(at, { refused: found.refused, write: { [kind]: joined } as Write })
}

function stepOf({ table, key, condition, names, values }: Guard): Step {
  const ConditionCheck = {
    ...{ TableName: tableName(table), Key: { ...key }, ConditionExpression: condition },
    ...merged('ExpressionAttributeNames', names),
    ...merged('ExpressionAttributeValues', values),
  }
  return { refused: OUTDATED, write: { ConditionCheck } }
}

interface Operation extends Target {
  readonly ConditionExpression?: string | undefined
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>> | undefined
  readonly ExpressionAttributeValues?: Readonly<Record<string, unknown>> | undefined
}

const operationOf = (write: Write): [kind: string, operation: Operation] =>
  Object.entries(write)[0] as [string, Operation]

/** The merged maps, or nothing if they are empty: DynamoDB refuses an empty map. */
function merged<T>(
  name: string,
  ...maps: readonly (Readonly<Record<string, T>> | undefined)[]
): Record<string, Record<string, T>> {
  const all = Object.assign({}, ...maps) as Record<string, T>
  return Object.keys(all).length === 0 ? {} : { [name]: all }
}

/** Reads, decides and writes again while the item keeps changing in between. Errors: `unavailable`. */
export function retrying<T>(attempt: () => Promise<T>, refused = CHANGED): Promise<T> {
  return patiently(attempt, (error) => error === refused)
}

/** Retries with growing random pauses as long as `passes` accepts the error. */
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

/** The cancellation reason of each step of a transaction. Empty for any other error. */
function codesOf(error: unknown): readonly (string | undefined)[] {
  const isCancelled = error instanceof TransactionCanceledException
  return isCancelled ? (error.CancellationReasons ?? []).map(({ Code }) => Code) : []
}
