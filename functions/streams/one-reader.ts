/**
 * The one reader of a stream: that of a global table bears a single function, and most changes are told to nodes and noted
 * for the index (index-note.ts). Each part gets every batch, at the same time as the others, and fails by itself: the batch comes again from the first record
 * that any of them has left. What a part did beyond that record it remembers and leaves out, so that nodes are not told
 * again because a note could not be written. The memory is that of one process: elsewhere a part does it once more, which
 * each of them bears.
 */
import type { Context, DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda'

export type Part = (event: DynamoDBStreamEvent, context: Context) => Promise<DynamoDBBatchResponse>

/** Records that are given up never come again: beyond so many the oldest are forgotten. */
const REMEMBERED = 10_000

export function oneReader(...parts: readonly Part[]): Part {
  const readers = parts.map((part) => new PartReader(part))
  return async ({ Records }, context) => {
    const left = await Promise.all(readers.map((reader) => reader.read(Records, context)))
    const from = Math.min(...left)
    readers.forEach((reader, i) => {
      reader.remember(Records.slice(from, left[i]))
    })
    const itemIdentifier = Records[from]?.dynamodb?.SequenceNumber ?? ''
    return { batchItemFailures: from < Records.length ? [{ itemIdentifier }] : [] }
  }
}

class PartReader {
  readonly #part: Part
  /** `eventID`s of what was done and comes again for the sake of another part. */
  readonly #ahead = new Set<string>()

  constructor(part: Part) {
    this.#part = part
  }

  /** Where in the batch the first record is that has to come again; behind the last one where there is none. */
  async read(records: readonly DynamoDBRecord[], context: Context): Promise<number> {
    const fresh = records.filter(({ eventID = '' }) => !this.#ahead.delete(eventID))
    const failed = await this.#failed(fresh, context)
    const first = fresh.find(({ dynamodb }) => failed.has(dynamodb?.SequenceNumber ?? ''))
    if (first !== undefined) return records.indexOf(first)
    return failed.size === 0 ? records.length : 0
  }

  remember(records: readonly DynamoDBRecord[]): void {
    for (const { eventID } of records) if (eventID !== undefined) this.#ahead.add(eventID)
    for (const oldest of this.#ahead) {
      if (this.#ahead.size <= REMEMBERED) break
      this.#ahead.delete(oldest)
    }
  }

  /** Sequence numbers. Not to answer is to fail: the other parts are done first, so that none is cut short. */
  async #failed(fresh: readonly DynamoDBRecord[], context: Context): Promise<ReadonlySet<string>> {
    if (fresh.length === 0) return new Set()
    try {
      const { batchItemFailures } = await this.#part({ Records: [...fresh] }, context)
      return new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier))
    } catch (error) {
      console.error('a part of the reader failed:', error)
      return new Set([fresh[0]!.dynamodb?.SequenceNumber ?? ''])
    }
  }
}
