/** Collects one page of a search. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { LIMITS } from '../limits.ts'
import type { Entity } from '../model/collection.ts'
import { matches } from '../model/filter/evaluate.ts'
import { jsonBytes } from '../model/json.ts'
import { compareBytes, placeOf } from '../model/search/history.ts'
import { type Consideration, type Considered, consider } from './consider.ts'
import { MANIFEST_ENTRY, manifestOf, manifestTermOf } from './index-entries.ts'
import { type Meter, metered } from './meter.ts'
import { getMany, type Page } from './pages.ts'
import type { Planned } from './planning.ts'
import { cursorOf, invalidCursor, type Position } from './positions.ts'
import { type Documents, indexNameOf, readRecords } from './records.ts'
import type { SearchRequest } from './search.ts'
import { type Candidate, type Spot, Walk } from './walk.ts'

export interface Collecting<E extends Entity> {
  readonly client: DynamoDBDocumentClient
  readonly meter: Meter
  readonly request: SearchRequest<E>
  readonly planned: Planned
  readonly consideration: Consideration
  readonly from: Position | undefined
}

/**
 * The cost from which no further read is begun. With the reads in progress, a page stays within
 * LIMITS.searchReadUnits.
 */
const ENOUGH_UNITS = LIMITS.searchReadUnits / 2
/** Most records in one read. */
const TOGETHER = 50
/** Most candidates, including refuted ones, between two checks of the cost. */
const LOOKED_AT = 200

export async function collect<E extends Entity>(given: Collecting<E>): Promise<Page<Documents[E]>> {
  const { consideration, from } = given
  const [through, ...blocks] = consideration.reach.blocks
  const page = new PageInProgress(given, through!)
  for (const [i, block] of blocks.entries()) {
    const resumed = i === 0 && from !== undefined && from.entry !== '' ? from : undefined
    if (resumed !== undefined) expectInPlan(resumed, consideration)
    await page.read(i + 1, block, resumed)
    if (page.isFull) break
  }
  return page.answer()
}

/** DynamoDB refuses a start key outside the range, which only a made-up cursor has. Errors: `bad-request`. */
function expectInPlan({ range, entry }: Spot, { plan }: Consideration): void {
  const bounds = plan.ranges[plan.byId ? 0 : range]
  const start = plan.byId ? `${bounds?.from}${entry}` : entry
  const isWithin =
    bounds !== undefined && compareBytes(start, bounds.from) >= 0 && compareBytes(start, bounds.to) <= 0
  if (!isWithin && !(plan.byId && plan.ranges.length === 0)) throw invalidCursor()
}

type ManifestItem = { readonly term: string }

interface Answered<T> {
  readonly document: T
  readonly spot: Mark
}

/** A position at which the page may end. */
interface Mark extends Spot {
  readonly through: string
}

class PageInProgress<E extends Entity> {
  readonly #given: Collecting<E>
  readonly #answers: Answered<Documents[E]>[] = []
  readonly #reading: DynamoDBDocumentClient
  #bytes = 0
  #through: string
  /** The position up to which every candidate is considered. */
  #last: Mark | undefined
  isFull = false

  constructor(given: Collecting<E>, through: readonly string[]) {
    this.#given = given
    this.#through = through.at(-1) ?? ''
    this.#reading = metered(given.client, given.meter, { eventually: true })
  }

  /** Reads a block of scopes, until its end or until the page is full. */
  async read(block: number, scopes: readonly string[], from: Spot | undefined): Promise<void> {
    const { request, consideration, meter } = this.#given
    const { plan, reach } = consideration
    const walk = new Walk({
      ...{ client: this.#reading, name: indexNameOf(request), scopes, plan, from },
      ...{ descending: reach.descending, wanted: request.limit + 1 },
    })
    const gathering: Gathering = { walk, held: undefined, isThrough: false }
    let hasRoom = true
    while (!gathering.isThrough && !this.isFull) {
      hasRoom = await this.#answer(await this.#gather(gathering), block)
      this.isFull ||= meter.units >= ENOUGH_UNITS
    }
    if (!gathering.isThrough || !hasRoom) return
    this.#through = scopes.at(-1)!
    this.#last = { through: this.#through, range: 0, entry: '' }
  }

  answer(): Page<Documents[E]> {
    const { request, consideration, planned } = this.#given
    const shown = this.#answers.slice(0, request.limit)
    const items = shown.map(({ document }) => document)
    if (!this.isFull) return { items }
    const more = this.#answers.length > shown.length ? shown.at(-1)!.spot : this.#last
    if (more === undefined) return { items }
    const { blocks, beganAt } = consideration.reach
    if (more.entry === '' && more.through === blocks.at(-1)?.at(-1)) return { items }
    const { attributes } = planned
    return { items, cursor: cursorOf({ ...more, beganAt, attributes }, request) }
  }

  /** The next candidates of the walk: as many as one read takes and the cost allows. */
  async #gather(gathering: Gathering): Promise<readonly Considered[]> {
    const { consideration, request, meter } = this.#given
    const wanted = Math.min(TOGETHER, request.limit + 1 - this.#answers.length)
    const batch: Considered[] = []
    let reads = 0
    let units = 0
    while (reads < wanted && batch.length < LOOKED_AT) {
      const candidate = gathering.held ?? (await gathering.walk.next())
      gathering.held = undefined
      gathering.isThrough = candidate === undefined
      if (candidate === undefined) break
      const considered = consider(candidate, consideration)
      if (batch.length > 0 && meter.units + units + considered.units > ENOUGH_UNITS) {
        gathering.held = candidate
        break
      }
      batch.push(considered)
      units += considered.units
      if (!considered.isRefuted) reads++
    }
    return batch
  }

  /** Reads the batch and adds what matches to the page. False if the page became full before the end of the batch. */
  async #answer(batch: readonly Considered[], block: number): Promise<boolean> {
    const { client, request, meter, consideration } = this.#given
    const { filter } = consideration
    const read = batch.filter(({ isRefuted }) => !isRefuted)
    const placed = await placedHere(client, meter, { batch: read, block, request, consideration })
    const ids = [...placed].map(({ candidate }) => candidate.id)
    const found = ids.length === 0 ? [] : await readRecords(this.#reading, request, ids)
    const records = new Map(found.map((record) => [record.id, record]))
    for (const considered of batch) {
      const { id, range, entry } = considered.candidate
      const record = placed.has(considered) ? records.get(id) : undefined
      const isShown = !(record?.isHidden && consideration.isByPresence)
      const isVisible = isShown && record?.scopes.some((scope) => request.scopes.includes(scope))
      const spot = { through: this.#through, range, entry }
      if (record !== undefined && isVisible && (!filter || matches(filter, record.filterable))) {
        this.#bytes += jsonBytes(record.document)
        if (this.#answers.length > 0 && this.#bytes > LIMITS.pageBytes) this.isFull = true
        if (this.isFull) return false
        this.#answers.push({ document: record.document, spot })
        this.isFull = this.#answers.length > request.limit
        if (this.isFull) return false
      }
      this.#last = spot
    }
    return true
  }
}

interface Gathering {
  readonly walk: Walk
  /** A candidate left for the next batch because of its cost. */
  held: Candidate | undefined
  isThrough: boolean
}

/** The candidates that were found at their record's place in this search. */
async function placedHere<E extends Entity>(
  client: DynamoDBDocumentClient,
  meter: Meter,
  given: Pick<Collecting<E>, 'request' | 'consideration'> & {
    readonly batch: readonly Considered[]
    readonly block: number
  },
): Promise<ReadonlySet<Considered>> {
  const { batch, block, request, consideration } = given
  const entity = indexNameOf(request)
  const doubtful = batch.filter(({ isDoubtful }) => isDoubtful)
  const ids = [...new Set(doubtful.map(({ candidate }) => candidate.id))]
  const keys = ids.map((id) => ({ term: manifestTermOf({ entity, id }), entry: MANIFEST_ENTRY }))
  // Read consistently, because this read decides whether a record is left out.
  const items = await getMany<ManifestItem>(metered(client, meter), 'SearchTerms', keys)
  const histories = new Map(items.map((item) => [item.term, manifestOf(item).history]))
  const { reach, plan } = consideration
  const isHere = ({ isDoubtful, candidate }: Considered) => {
    if (!isDoubtful) return true
    const { id, range, entry } = candidate
    const history = histories.get(manifestTermOf({ entity, id }))
    const place = history && placeOf(history, id, reach)
    return (
      place?.block === block &&
      (plan.byId || plan.present || (place.range === range && place.entry === entry))
    )
  }
  return new Set(batch.filter(isHere))
}
