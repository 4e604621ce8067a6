/**
 * Search: candidates from the index, each read and evaluated as it is now.
 *
 * Candidates come in the order of scope, range of the plan, entry. A record may have several entries there (it is in two
 * networks, two values of it lie in the range): it is answered at the first of them and passed over at the others, which
 * needs no memory between pages. One call looks at no more than MAX_CANDIDATES, so a page may hold fewer than asked for,
 * even none, and still name a cursor.
 */
import { createHash } from 'node:crypto'
import { type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { z } from 'zod'
import { StraightwayError } from '../errors.ts'
import type { NetworkId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import type { Entity } from '../model/collection.ts'
import type { Filter } from '../model/filter/ast.ts'
import { matches } from '../model/filter/evaluate.ts'
import { parseFilter } from '../model/filter/parse.ts'
import { type Plan, plansOf, type Range } from '../model/search/plan.ts'
import { EVERYTHING, entryOf, idOf, pairsOf } from '../model/search/terms.ts'
import type { PresenceRecord } from '../presence.ts'
import { tableName } from './client.ts'
import { termOf } from './index-entries.ts'
import { decodeCursor, encodeCursor, INVALID_CURSOR, type Page, type PageRequest } from './pages.ts'
import {
  type Documents,
  type FoundRecord,
  indexNameOf,
  type Kind,
  readRecords,
  type Scope,
  searchableOf,
} from './records.ts'

export type { Scope } from './records.ts'

export interface SearchRequest<E extends Entity> extends Kind<E>, PageRequest {
  /** Where the asker may find anything: networks, for objects also its user, for API keys `*`. */
  readonly scopes: readonly Scope[]
  /** RFC 7644 section 3.4.2.2; everything in the scopes without it. */
  readonly filter?: string | undefined
}

const MAX_CANDIDATES = 500
const BATCH = LIMITS.pageSize
/** A plan is tried in so many scopes to see how much it selects. */
const PROBED_SCOPES = 3

/** Errors: `bad-request` for a filter that is none, with the position, and for a cursor of another search. */
export async function search<E extends Entity>(
  client: DynamoDBDocumentClient,
  request: SearchRequest<E>,
): Promise<Page<Documents[E]>> {
  const filter = request.filter === undefined ? undefined : parseFilter(request.filter)
  const scopes = [...new Set(request.scopes)].sort()
  const from = positionIn(request)
  if (request.entity === 'network' && !scopes.includes(EVERYTHING)) {
    return searchNamed(client, { ...request, scopes }, filter, from)
  }
  const plans = plansOf(filter, await searchablePredicate(client, request))
  const plan = from?.plan ?? (await mostSelective(client, request, scopes, plans))
  const { ranges } = plans[plan] ?? plans[0]!
  return collect(client, { ...request, scopes }, { filter, ranges, plan, from })
}

/** What a node asks for (shared/directory.ts, `find`). */
export function createPeerSearch(client: DynamoDBDocumentClient) {
  return async (query: {
    readonly networks: readonly NetworkId[]
    readonly filter: string
    readonly limit: number
  }) => {
    const { networks: scopes, filter, limit } = query
    const { items, cursor } = await search(client, { entity: 'peer', scopes, filter, limit })
    const records = items.map(({ peer, user, presence }): PresenceRecord => ({ peer, user, ...presence }))
    return { records, more: cursor !== undefined }
  }
}

/** Where a page ended. */
interface Position {
  readonly plan: number
  readonly scope: string
  readonly range: number
  readonly entry: string
}

interface Walk {
  readonly filter: Filter | undefined
  readonly ranges: readonly Range[]
  readonly plan: number
  readonly from: Position | undefined
}

async function collect<E extends Entity>(
  client: DynamoDBDocumentClient,
  request: SearchRequest<E>,
  walk: Walk,
): Promise<Page<Documents[E]>> {
  const items: Documents[E][] = []
  const answered = new Set<string>()
  let last = walk.from
  let looked = 0
  for await (const positions of candidates(client, request, walk)) {
    const ids = positions.map(({ entry }) => idOf(entry))
    const records = new Map((await readRecords(client, request, ids)).map((record) => [record.id, record]))
    for (const position of positions) {
      const record = records.get(idOf(position.entry))
      if (record !== undefined && !answered.has(record.id) && isAnswer(record, position, request, walk)) {
        if (items.length === request.limit) return { items, cursor: cursorOf(last!, request) }
        items.push(record.document)
        answered.add(record.id)
      }
      last = position
    }
    looked += positions.length
    if (looked >= MAX_CANDIDATES && last !== undefined) return { items, cursor: cursorOf(last, request) }
  }
  return { items }
}

/** It matches, may be found here, and was not answered at an earlier entry. */
function isAnswer<E extends Entity>(
  { id, scopes, filterable }: FoundRecord<E>,
  { scope, range, entry }: Position,
  request: SearchRequest<E>,
  { filter, ranges }: Walk,
): boolean {
  if (!scopes.includes(scope as Scope)) return false
  if (filter !== undefined && !matches(filter, filterable)) return false
  if (request.scopes.some((other) => other < scope && scopes.includes(other))) return false
  const entriesIn = ({ attribute, from, to }: Range) =>
    pairsOf(filterable, attribute === '' ? [] : [attribute])
      .filter((pair) => pair.attribute === attribute)
      .map((pair) => entryOf(pair.value, id))
      .filter((own) => isWithin(own, from, to))
  if (ranges.slice(0, range).some((earlier) => entriesIn(earlier).length > 0)) return false
  return !entriesIn(ranges[range]!).some((own) => compareBytes(own, entry) < 0)
}

async function* candidates<E extends Entity>(
  client: DynamoDBDocumentClient,
  request: SearchRequest<E>,
  { ranges, plan, from }: Walk,
): AsyncGenerator<readonly Position[]> {
  for (const scope of request.scopes) {
    if (from !== undefined && scope < from.scope) continue
    const resumed = scope === from?.scope ? from : undefined
    for (const [range, bounds] of ranges.entries()) {
      if (resumed !== undefined && range < resumed.range) continue
      let after = range === resumed?.range ? resumed.entry : undefined
      do {
        const page = await readRange(
          client,
          termOf(indexNameOf(request), scope, bounds.attribute),
          bounds,
          after,
        )
        if (page.entries.length > 0) yield page.entries.map((entry) => ({ plan, scope, range, entry }))
        after = page.next
      } while (after !== undefined)
    }
  }
}

async function readRange(
  client: DynamoDBDocumentClient,
  term: string,
  bounds: Range,
  after: string | undefined,
) {
  const query = new QueryCommand({
    ...within(term, bounds),
    Limit: BATCH,
    ...(after !== undefined && { ExclusiveStartKey: { term, entry: after } }),
  })
  const { Items = [], LastEvaluatedKey } = await client.send(query)
  return {
    entries: Items.map(({ entry }) => entry as string),
    next: LastEvaluatedKey?.entry as string | undefined,
  }
}

/** The plan of the fewest entries, counted up to a page; there is nothing to choose from one. */
async function mostSelective<E extends Entity>(
  client: DynamoDBDocumentClient,
  request: SearchRequest<E>,
  scopes: readonly string[],
  plans: readonly Plan[],
): Promise<number> {
  if (plans.length === 1) return 0
  const name = indexNameOf(request)
  const probed = scopes.slice(0, PROBED_SCOPES)
  const counts = await Promise.all(
    plans.map(async ({ ranges }) => {
      const reads = probed.flatMap((scope) =>
        ranges.map((range) => countRange(client, termOf(name, scope, range.attribute), range)),
      )
      return (await Promise.all(reads)).reduce((sum, count) => sum + count, 0)
    }),
  )
  return counts.indexOf(Math.min(...counts))
}

async function countRange(client: DynamoDBDocumentClient, term: string, bounds: Range): Promise<number> {
  const reply = await client.send(
    new QueryCommand({ ...within(term, bounds), Select: 'COUNT', Limit: BATCH }),
  )
  return reply.Count ?? 0
}

function within(term: string, { from, to }: Range) {
  return {
    TableName: tableName('SearchTerms'),
    KeyConditionExpression: 'term = :term AND entry BETWEEN :from AND :to',
    ExpressionAttributeValues: { ':term': term, ':from': from, ':to': to },
  }
}

/** Networks by their ids: whoever is a member knows them all, so no index is asked and nothing is missing yet. */
async function searchNamed<E extends Entity>(
  client: DynamoDBDocumentClient,
  request: SearchRequest<E>,
  filter: Filter | undefined,
  from: Position | undefined,
): Promise<Page<Documents[E]>> {
  const found = await readRecords(client, request, request.scopes)
  const rest = found
    .filter(
      ({ id, filterable }) =>
        (from === undefined || id > from.entry) && (!filter || matches(filter, filterable)),
    )
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  const shown = rest.slice(0, request.limit)
  const items = shown.map(({ document }) => document)
  const entry = shown.at(-1)?.id
  if (rest.length === shown.length || entry === undefined) return { items }
  return { items, cursor: cursorOf({ plan: 0, scope: '', range: 0, entry }, request) }
}

async function searchablePredicate(client: DynamoDBDocumentClient, kind: Kind) {
  const { indexed } = await searchableOf(client, kind)
  const attributes = new Set(indexed.map((path) => path.toLowerCase()))
  const live = kind.entity === 'peer' ? /^metadata\.[^.]+$/ : undefined
  return (attribute: string) => attributes.has(attribute) || live?.test(attribute) === true
}

const cursorSchema = z.tuple([z.string(), z.int().min(0), z.string(), z.int().min(0), z.string().min(1)])

/** Whose search it continues is in the cursor, so that it is not taken for another's. */
function cursorOf<E extends Entity>(
  { plan, scope, range, entry }: Position,
  request: SearchRequest<E>,
): string {
  return encodeCursor(JSON.stringify([digestOf(request), plan, scope, range, entry]))
}

function positionIn<E extends Entity>(request: SearchRequest<E>): Position | undefined {
  if (request.cursor === undefined) return undefined
  const parsed = cursorSchema.safeParse(jsonOf(decodeCursor(request.cursor)))
  if (!parsed.success || parsed.data[0] !== digestOf(request))
    throw new StraightwayError('bad-request', INVALID_CURSOR)
  const [, plan, scope, range, entry] = parsed.data
  return { plan, scope, range, entry }
}

function digestOf<E extends Entity>({ entity, collection, filter }: SearchRequest<E>): string {
  const text = JSON.stringify([entity, collection, filter])
  return createHash('sha256').update(text).digest('base64url').slice(0, 8)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isWithin(entry: string, from: string, to: string): boolean {
  return compareBytes(entry, from) >= 0 && compareBytes(entry, to) <= 0
}

/** As DynamoDB sorts. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
