/**
 * The single reader of a stream: the stream of a global table supports one function only. Most changes have two uses,
 * each a part of the reader: they are pushed to nodes, and noted for the index (index-note.ts).
 *
 * Every part gets every batch, concurrently with the others, and fails independently. The batch is delivered again
 * from the first record that any part failed at. A part remembers the records beyond it that it has handled, and
 * skips them then: so a failed note does not make nodes receive their pushes again. This memory belongs to one
 * process. In another process a part handles these records twice, which every part tolerates.
 */
import type { Context, DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda'

export type Part = (event: DynamoDBStreamEvent, context: Context) => Promise<DynamoDBBatchResponse>

/**
 * Most `eventID`s remembered. Beyond it the oldest are forgotten: records that were given up are never delivered
 * again.
 */
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
  /** `eventID`s of records that this part has handled, and that are delivered again because another part failed. */
  readonly #ahead = new Set<string>()

  constructor(part: Part) {
    this.#part = part
  }

  /** The index of the first record to deliver again, or the number of records if there is none. */
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

  /**
   * The sequence numbers of failed records. A part that throws fails at its first record; the error is caught so that
   * the other parts finish.
   */
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
