/** Delivers the records of a shard to a handler until each is handled or given up. The rules are in streams.ts. */
import { setTimeout as delay } from 'node:timers/promises'
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda'
import { invoke, type LambdaHandler } from './lambda.ts'

export type StreamHandler = LambdaHandler<DynamoDBStreamEvent, DynamoDBBatchResponse | undefined>

export interface Policy {
  readonly batchSize: number
  /** Retries for one record. */
  readonly retries: number
  /** Pause before the first retry of a record; it doubles up to `longestPauseMs`. */
  readonly pauseMs: number
  readonly longestPauseMs: number
  readonly maxAgeMs: number
  readonly timeoutMs: number
}

export const POLICY: Policy = {
  batchSize: 100,
  retries: 10,
  pauseMs: 50,
  longestPauseMs: 2_000,
  maxAgeMs: 3600_000,
  timeoutMs: 30_000,
}

export interface FailedBatch {
  readonly name: string
  readonly reason: 'retries exhausted' | 'too old'
  readonly error?: unknown
  readonly records: readonly DynamoDBRecord[]
}

export interface Delivery {
  readonly name: string
  readonly handler: StreamHandler
  readonly policy: Policy
  readonly onFailure: (failed: FailedBatch) => void
}

/**
 * Delivers the records in order. Calls `through` after each part that is done, so that it is never delivered again. If
 * the signal aborts, resolves early and leaves the rest.
 */
export async function deliver(
  delivery: Delivery,
  records: readonly DynamoDBRecord[],
  through: (sequenceNumber: string) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const parts: Part[] = records.length > 0 ? [{ records, retried: 0 }] : []
  while (parts.length > 0 && !signal.aborted) {
    const part = parts.shift()!
    const { handled, error } = await attempt(delivery, part.records)
    if (handled > 0) await through(sequenceNumberOf(part.records[handled - 1]!))
    const left = part.records.slice(handled)
    if (left.length > 1) {
      parts.unshift(...halves(left))
    } else if (left.length === 1 && part.retried < delivery.policy.retries) {
      parts.unshift({ records: left, retried: part.retried + 1 })
      await pause(delivery.policy, part.retried, signal)
    } else if (left.length === 1) {
      delivery.onFailure({ name: delivery.name, reason: 'retries exhausted', error, records: left })
      await through(sequenceNumberOf(left[0]!))
    }
  }
}

/** Records of one invocation. */
interface Part {
  readonly records: readonly DynamoDBRecord[]
  readonly retried: number
}

interface Outcome {
  /** Number of records from the beginning that are done. */
  readonly handled: number
  readonly error?: unknown
}

async function attempt(delivery: Delivery, records: readonly DynamoDBRecord[]): Promise<Outcome> {
  const { name, handler, policy } = delivery
  const old = countOld(delivery, records)
  const fresh = records.slice(old)
  if (fresh.length === 0) return { handled: old }
  try {
    const response = await invoke(handler, { Records: [...fresh] }, { name, timeoutMs: policy.timeoutMs })
    return { handled: old + lowestFailure(fresh, response) }
  } catch (error) {
    return { handled: old, error }
  }
}

/** Index of the first record that failed. An unknown identifier fails the whole batch. */
function lowestFailure(
  records: readonly DynamoDBRecord[],
  response: DynamoDBBatchResponse | undefined,
): number {
  const failures = response?.batchItemFailures ?? []
  const at = failures.map(({ itemIdentifier }) =>
    records.findIndex(({ dynamodb }) => dynamodb?.SequenceNumber === itemIdentifier),
  )
  return Math.max(0, Math.min(records.length, ...at))
}

function halves(records: readonly DynamoDBRecord[]): Part[] {
  const middle = Math.ceil(records.length / 2)
  return [records.slice(0, middle), records.slice(middle)].map((half) => ({ records: half, retried: 0 }))
}

/** Number of records at the beginning that are given up because of their age. A shard is ordered by time. */
function countOld({ name, policy, onFailure }: Delivery, records: readonly DynamoDBRecord[]): number {
  const oldest = Date.now() - policy.maxAgeMs
  const at = records.findIndex(
    ({ dynamodb }) => (dynamodb?.ApproximateCreationDateTime ?? 0) * 1000 >= oldest,
  )
  const old = at < 0 ? records.length : at
  if (old > 0) onFailure({ name, reason: 'too old', records: records.slice(0, old) })
  return old
}

const sequenceNumberOf = ({ dynamodb }: DynamoDBRecord): string => dynamodb!.SequenceNumber!

async function pause(policy: Policy, attempts: number, signal: AbortSignal): Promise<void> {
  const ms = Math.min(policy.pauseMs * 2 ** attempts, policy.longestPauseMs)
  await delay(ms, undefined, { signal }).catch(() => {})
}
