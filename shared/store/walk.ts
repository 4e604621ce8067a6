/**
 * Reads the index by a plan, in an order that edits do not disturb.
 *
 *   - A plan whose ranges each hold one value is read in the order of ids. All of its ranges in all scopes of a block
 *     are merged, so the entries of one record meet. A record that moves between them keeps its position in the
 *     order.
 *   - Any other plan is read range by range, in the order of values, merged over the scopes.
 */
import { type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { compareBytes } from '../model/search/history.ts'
import type { Plan, Range } from '../model/search/plan.ts'
import { idOf } from '../model/search/terms.ts'
import { tableName } from './client.ts'
import { type Posting, termOf } from './index-changes.ts'
import { ENTRY_BYTES, invalidCursor } from './positions.ts'

export interface WalkOptions {
  readonly client: DynamoDBDocumentClient
  /** The name of the kind of record in the index. */
  readonly name: string
  readonly scopes: readonly string[]
  readonly plan: Plan
  readonly descending: boolean
  /** The position after which the walk continues. Default: the start. */
  readonly from: Spot | undefined
  /** Entries per read, over all streams. */
  readonly wanted: number
}

/** A position of a walk. `entry` is an id if the plan is read by id. */
export interface Spot {
  readonly range: number
  readonly entry: string
}

export interface Candidate extends Spot {
  readonly id: string
  /** The entries of the record at this position, from one or several scopes. */
  readonly postings: readonly Posting[]
}

const FEWEST = 12
const MOST = 100

export class Walk {
  readonly #options: WalkOptions
  readonly #order: (a: string, b: string) => number
  #range: number
  #streams: readonly EntryStream[] | undefined

  constructor(options: WalkOptions) {
    const { plan, descending, from } = options
    this.#options = options
    this.#order = descending ? (a, b) => compareBytes(b, a) : compareBytes
    this.#range = from === undefined || plan.byId ? 0 : this.#turnOf(from.range)
  }

  /** The next candidate. Undefined at the end. */
  async next(): Promise<Candidate | undefined> {
    const { plan } = this.#options
    const turns = plan.byId ? Math.min(plan.ranges.length, 1) : plan.ranges.length
    for (; this.#range < turns; this.#range++) {
      this.#streams ??= this.#open()
      const found = await this.#nextOf(this.#streams)
      if (found !== undefined) return found
      this.#streams = undefined
    }
    return undefined
  }

  /** The index of the range to read at this turn: in descending order, ranges are read from the last to the first. */
  #turnOf(range: number): number {
    return this.#options.descending ? this.#options.plan.ranges.length - 1 - range : range
  }

  #open(): readonly EntryStream[] {
    const { plan, scopes, from, wanted } = this.#options
    const range = this.#turnOf(this.#range)
    const ranges = plan.byId ? [...plan.ranges.entries()] : [[range, plan.ranges[range]!] as const]
    const each = Math.ceil((wanted * 2) / (ranges.length * scopes.length))
    const limit = Math.max(FEWEST, Math.min(MOST, each))
    const resumed = from !== undefined && (plan.byId || from.range === range) ? from.entry : undefined
    return ranges.flatMap(([, bounds]) =>
      scopes.map((scope) => {
        const after = resumed === undefined || !plan.byId ? resumed : bounds.from + resumed
        return new EntryStream({ ...this.#options, scope, bounds, after, limit })
      }),
    )
  }

  async #nextOf(streams: readonly EntryStream[]): Promise<Candidate | undefined> {
    await Promise.all(streams.map((stream) => stream.fill()))
    const { byId } = this.#options.plan
    const keyOf = ({ entry }: Posting) => (byId ? idOf(entry) : entry)
    let least: string | undefined
    for (const { head } of streams) {
      if (head !== undefined && (least === undefined || this.#order(keyOf(head), least) < 0))
        least = keyOf(head)
    }
    if (least === undefined) return undefined
    const postings = streams
      .filter(({ head }) => head !== undefined && keyOf(head) === least)
      .map((stream) => stream.take())
    const id = byId ? least : idOf(least)
    return { range: byId ? 0 : this.#turnOf(this.#range), entry: least, id, postings }
  }
}

interface EntryStreamOptions extends Pick<WalkOptions, 'client' | 'name' | 'descending'> {
  readonly scope: string
  readonly bounds: Range
  readonly after: string | undefined
  readonly limit: number
}

/** The entries of one scope in one range. */
class EntryStream {
  readonly #options: EntryStreamOptions
  readonly #term: string
  #found: Posting[] = []
  #after: string | undefined
  #ended = false

  constructor(options: EntryStreamOptions) {
    this.#options = options
    const { name, scope, bounds, after, descending } = options
    this.#term = termOf(name, scope, bounds.attribute)
    if (after === undefined) return
    if (Buffer.byteLength(after) > ENTRY_BYTES) throw invalidCursor()
    // DynamoDB refuses a start key outside of the range. Only a made-up cursor names one.
    const [fromStart, fromEnd] = [compareBytes(after, bounds.from) > 0, compareBytes(after, bounds.to) < 0]
    const [isPastStart, isBeforeEnd] = descending ? [fromEnd, fromStart] : [fromStart, fromEnd]
    this.#after = isPastStart ? after : undefined
    this.#ended = !isBeforeEnd
  }

  get head(): Posting | undefined {
    return this.#found.at(-1)
  }

  take(): Posting {
    return this.#found.pop()!
  }

  async fill(): Promise<void> {
    while (this.#found.length === 0 && !this.#ended) {
      const { client, bounds, limit, descending } = this.#options
      const query = new QueryCommand({
        TableName: tableName('SearchTerms'),
        KeyConditionExpression: 'term = :term AND entry BETWEEN :from AND :to',
        ExpressionAttributeValues: { ':term': this.#term, ':from': bounds.from, ':to': bounds.to },
        ScanIndexForward: !descending,
        Limit: limit,
        ...(this.#after !== undefined && {
          ExclusiveStartKey: { term: this.#term, entry: this.#after },
        }),
      })
      const { Items = [], LastEvaluatedKey } = await client.send(query)
      this.#found = (Items as Posting[]).reverse()
      this.#after = LastEvaluatedKey?.entry as string | undefined
      this.#ended = LastEvaluatedKey === undefined
    }
  }
}
