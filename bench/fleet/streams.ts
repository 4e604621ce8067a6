/** Lambda's event source mappings in simulated time: each stream function gets the records of its shards, in batches. */
import type { Context, DynamoDBRecord } from 'aws-lambda'
import type { Part } from '../../functions/streams/one-reader.ts'
import { FUNCTIONS, type FunctionDescription, type FunctionName, STREAMS } from '../../infra/functions.ts'
import { SHARDS } from '../../infra/usage.ts'
import { StraightwayError } from '../../shared/errors.ts'
import type { TableName } from '../../shared/store/tables.ts'

/** Most records per second that one shard delivers. */
const SHARD_RATE = 2_000

export interface Reader {
  readonly function: FunctionName
  readonly handler: Part
  /** Gets the changes of a second in one batch per shard. */
  readonly gathers: boolean
  /** Gets new items only. */
  readonly inserts: boolean
}

export function readerOf(name: FunctionName, handler: Part): Reader {
  const { gathers, inserts }: FunctionDescription = FUNCTIONS[name]
  return { function: name, handler, gathers: gathers === true, inserts: inserts === true }
}

export class StreamReaders {
  /** Calls of each function. */
  readonly calls = new Map<FunctionName, number>()
  records = 0
  readonly #streams: Map<TableName, DynamoDBRecord[]>
  readonly #readers: ReadonlyMap<TableName, Reader>

  constructor(streams: Map<TableName, DynamoDBRecord[]>, readers: ReadonlyMap<TableName, Reader>) {
    this.#streams = streams
    this.#readers = readers
  }

  /** Number of records that no function has read yet. */
  get waiting(): number {
    return [...this.#streams.values()].reduce((sum, { length }) => sum + length, 0)
  }

  /** One of four polls in a second. Gathered changes are delivered at the last of them. */
  async poll(isLast: boolean): Promise<void> {
    for (const [table, reader] of this.#readers) {
      if (reader.gathers && !isLast) continue
      const all = this.#streams.get(table) ?? []
      const records = reader.inserts ? all.filter(({ eventName }) => eventName === 'INSERT') : all
      this.#streams.set(table, [])
      const { parts, most, rate } = reader.gathers
        ? { parts: SHARDS, most: STREAMS.gathered, rate: SHARD_RATE }
        : {
            parts: SHARDS * STREAMS.parallel,
            most: STREAMS.batch,
            rate: SHARD_RATE / STREAMS.pollsPerSecond / STREAMS.parallel,
          }
      const shards: DynamoDBRecord[][] = Array.from({ length: parts }, () => [])
      for (const record of records) shards[partOf(record, parts)]!.push(record)
      const left = await Promise.all(shards.map((shard) => this.#read(reader, shard, most, rate)))
      this.#streams.get(table)!.unshift(...left.flat())
    }
  }

  /** Delivers the records of a shard, and returns those that have to wait. */
  async #read(
    { function: name, handler }: Reader,
    records: readonly DynamoDBRecord[],
    most: number,
    rate: number,
  ): Promise<readonly DynamoDBRecord[]> {
    const fits = records.slice(0, rate)
    for (let at = 0; at < fits.length; at += most) {
      const Records = fits.slice(at, at + most)
      this.calls.set(name, (this.calls.get(name) ?? 0) + 1)
      this.records += Records.length
      const { batchItemFailures } = await handler({ Records }, {} as Context)
      if (batchItemFailures.length > 0)
        throw new StraightwayError('internal', 'a stream function left records')
    }
    return records.slice(rate)
  }
}

/** The shard of a record, or the part of a shard: by its partition key. */
function partOf({ dynamodb }: DynamoDBRecord, parts: number): number {
  const [key = {}] = Object.values(dynamodb?.Keys ?? {})
  const text = 'S' in key ? String(key.S) : ''
  let sum = 0
  for (let i = 0; i < text.length; i++) sum = (Math.imul(sum, 31) + text.charCodeAt(i)) >>> 0
  return sum % parts
}
