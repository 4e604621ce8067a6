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
import { tableName } from './client.ts'
import { type Guard, guardsOf, isOf, type Target } from './guarded.ts'

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
 * Writes all of the steps or none, and only while the guards of the client hold. Throws OUTDATED if a guard does not hold,
 * else the refusal of the first step whose condition does not hold; `unavailable` if other writes are in the way for longer
 * than nine seconds.
 */
export async function transact(client: DynamoDBDocumentClient, given: readonly Step[]): Promise<void> {
  const guards = guardsOf(client)
  const steps = guards.reduce(withGuard, given)
  const refused = await refusedOf(client, steps)
  if (refused.length === 0) return
  const refusals = refused.map((i) => steps[i]!.refused)
  const isOutdated = refusals.includes(OUTDATED)
  // DynamoDB does not say which half of a joined condition did not hold: the guards alone do.
  const isJoined = !isOutdated && refused.some((i) => steps[i] !== given[i])
  if (isJoined && (await refusedOf(client, guards.map(stepOf))).length > 0) throw OUTDATED
  throw isOutdated ? OUTDATED : refusals[0]
}

/** Indexes of the steps whose conditions do not hold; none if the steps were written. */
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

/** The refusal of a write whose item was changed since it was read: the store reads it again. */
export const CHANGED = new StraightwayError(
  'conflict',
  'It was changed meanwhile: read it again and try again',
)

/** The refusal of a write that was allowed by facts which hold no longer: it is judged again. */
export const OUTDATED = new StraightwayError('conflict', 'What allowed this was changed meanwhile: try again')

/** A transaction names each item once, so the condition joins that of a step on the same item. */
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

/** DynamoDB refuses an empty map. */
function merged<T>(
  name: string,
  ...maps: readonly (Readonly<Record<string, T>> | undefined)[]
): Record<string, Record<string, T>> {
  const all = Object.assign({}, ...maps) as Record<string, T>
  return Object.keys(all).length === 0 ? {} : { [name]: all }
}

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

/** Why each item of a transaction was refused; nothing for any other error. */
function codesOf(error: unknown): readonly (string | undefined)[] {
  const isCancelled = error instanceof TransactionCanceledException
  return isCancelled ? (error.CancellationReasons ?? []).map(({ Code }) => Code) : []
}
