/** Runs a Lambda handler in this process as the service would: with the event as JSON, a context, and a timeout. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { Context } from 'aws-lambda'
import { StraightwayError } from '../shared/errors.ts'

export type LambdaHandler<Event, Result> = (event: Event, context: Context) => Promise<Result>

export interface Invocation {
  readonly name: string
  readonly timeoutMs: number
}

/**
 * Invokes a handler. Rejects with the handler's error, or with `timeout`; the handler then continues and its result is
 * ignored.
 */
export async function invoke<Event, Result>(
  handler: LambdaHandler<Event, Result>,
  event: Event,
  { name, timeoutMs }: Invocation,
): Promise<Result> {
  const copy = JSON.parse(JSON.stringify(event)) as Event
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new StraightwayError('timeout', `${name}: ${timeoutMs} ms`)),
    timeoutMs,
  )
  try {
    return await Promise.race([handler(copy, contextOf(name, timeoutMs)), late])
  } finally {
    clearTimeout(timer)
  }
}

function contextOf(functionName: string, timeoutMs: number): Context {
  const endsAt = Date.now() + timeoutMs
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '/')
  const context: Omit<Context, 'done' | 'fail' | 'succeed'> = {
    callbackWaitsForEmptyEventLoop: false,
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:local:000000000000:function:${functionName}`,
    memoryLimitInMB: '256',
    awsRequestId: randomUUID(),
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: `${day}/[$LATEST]${randomBytes(16).toString('hex')}`,
    getRemainingTimeInMillis: () => Math.max(0, endsAt - Date.now()),
  }
  return context as Context
}
