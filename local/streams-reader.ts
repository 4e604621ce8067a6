/** Reads one stream for one mapping until it is closed. Each shard is read in order, and its children after it. */
import type { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams'
import { Pause } from './pause.ts'
import type { StreamCheckpoints } from './streams-checkpoints.ts'
import { type Delivery, deliver } from './streams-delivery.ts'
import type { StreamRecords } from './streams-records.ts'
import { dueShards, iteratorAt, THROUGH } from './streams-shards.ts'

export interface StreamReaderOptions {
  readonly client: DynamoDBStreamsClient
  readonly records: StreamRecords
  /** ARN of the stream. */
  readonly stream: string
  readonly checkpoints: StreamCheckpoints
  readonly delivery: Delivery
  /** Milliseconds between two reads of an idle stream. Default: 200. */
  readonly idleMs?: number | undefined
}

/** Pauses between two reads: after records were found, of an idle stream by default, and after a failure. */
const BUSY_MS = 20
const IDLE_MS = 200
const BROKEN_MS = 2_000
/** Interval between checks for new shards. */
const SHARDS_MS = 10_000

export class StreamReader {
  readonly #options: StreamReaderOptions
  readonly #stopping = new AbortController()
  readonly #pause = new Pause()
  readonly #running: Promise<void>
  readonly #iterators = new Map<string, string>()
  #shards: readonly string[] = []
  #shardsAt = 0
  /** Calls of `drain` that wait for a round. */
  #draining: (() => void)[] = []

  /** Reason why the last round failed; undefined if it succeeded. */
  failing: string | undefined

  constructor(options: StreamReaderOptions) {
    this.#options = options
    this.#running = this.#run()
  }

  /** Resolves after a round that began after this call and found nothing. */
  drain(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#draining.push(resolve)
    this.#pause.end()
    return promise
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    this.#pause.end()
    await this.#running
  }

  async #run(): Promise<void> {
    let pauseMs = BUSY_MS
    while (!this.#stopping.signal.aborted) {
      const draining = this.#draining.length
      try {
        const found = await this.#round()
        this.failing = undefined
        pauseMs = found > 0 ? BUSY_MS : Math.min(pauseMs * 2, this.#options.idleMs ?? IDLE_MS)
        if (found === 0) for (const resolve of this.#draining.splice(0, draining)) resolve()
      } catch (error) {
        pauseMs = Math.min(pauseMs * 2, BROKEN_MS)
        this.failing = `${this.#options.delivery.name} cannot read its stream: ${(error as Error).message}`
        if (!this.#stopping.signal.aborted)
          console.error(`${this.#options.delivery.name}: cannot read the stream:`, error)
      }
      await this.#pause.wait(pauseMs)
    }
  }

  /** Reads each due shard once. Returns the number of records; a shard that has ended counts as one. */
  async #round(): Promise<number> {
    const { client, stream, checkpoints } = this.#options
    if (Date.now() - this.#shardsAt > SHARDS_MS) {
      this.#shards = await dueShards(client, stream, checkpoints)
      this.#shardsAt = Date.now()
    }
    let found = 0
    for (const shard of this.#shards) found += await this.#read(shard)
    return found
  }

  async #read(shard: string): Promise<number> {
    const { client, records: source, stream, checkpoints, delivery } = this.#options
    const known = this.#iterators.get(shard)
    // After a failure, the next round starts at the checkpoint.
    this.#iterators.delete(shard)
    const iterator = known ?? (await iteratorAt(client, stream, shard, checkpoints.get(shard)))
    const { records, next } = await source.read(stream, iterator, delivery.policy.batchSize)
    const keep = (sequenceNumber: string) => checkpoints.keep(shard, sequenceNumber)
    await deliver(delivery, records, keep, this.#stopping.signal)
    if (this.#stopping.signal.aborted) return records.length
    if (next !== undefined) {
      this.#iterators.set(shard, next)
      return records.length
    }
    await keep(THROUGH)
    this.#shardsAt = 0
    return records.length + 1
  }
}
