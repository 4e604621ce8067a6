/**
 * Search: candidates from the index, each read and evaluated as it is now.
 *
 * Candidates come in the order of scope, range of the plan, entry. A record may have several entries there (it is in two
 * networks, two values of it lie in the range): it is answered at the first of them and passed over at the others, which
 * needs no memory between pages. One call looks at no more than MAX_CANDIDATES, so a page may hold fewer than asked for,
 * even none, and still name a cursor.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import type { NetworkId } from '../ids.ts'
import type { Entity } from '../model/collection.ts'
import type { Filter } from '../model/filter/ast.ts'
import { matches } from '../model/filter/evaluate.ts'
import { parseFilter } from '../model/filter/parse.ts'
import { plansOf, type Range } from '../model/search/plan.ts'
import { EVERYTHING, entryOf, idOf, pairsOf } from '../model/search/terms.ts'
import type { PresenceRecord } from '../presence.ts'
import { candidates, mostSelective, type Walk } from './candidates.ts'
import { INVALID_CURSOR, type Page, type PageRequest } from './pages.ts'
import { cursorOf, type Position, positionIn } from './positions.ts'
import {
  type Documents,
  type FoundRecord,
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
  if (from !== undefined && !isIn(from, ranges)) throw new StraightwayError('bad-request', INVALID_CURSOR)
  return collect(client, { ...request, scopes }, filter, { ranges, plan, from })
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

async function collect<E extends Entity>(
  client: DynamoDBDocumentClient,
  request: SearchRequest<E>,
  filter: Filter | undefined,
  walk: Walk,
): Promise<Page<Documents[E]>> {
  const items: Documents[E][] = []
  const answered = new Set<string>()
  let last = walk.from
  let looked = 0
  for await (const positions of candidates(client, request, request.scopes, walk)) {
    const ids = positions.map(({ entry }) => idOf(entry))
    const records = new Map((await readRecords(client, request, ids)).map((record) => [record.id, record]))
    for (const position of positions) {
      const record = records.get(idOf(position.entry))
      const answers =
        record !== undefined &&
        isFirstEntry(record, position, request, walk) &&
        (!filter || matches(filter, record.filterable))
      if (answers && !answered.has(record.id)) {
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

/** It may be found here, and was not found at an earlier entry. */
function isFirstEntry<E extends Entity>(
  { id, scopes, filterable }: FoundRecord<E>,
  { scope, range, entry }: Position,
  request: SearchRequest<E>,
  { ranges }: Walk,
): boolean {
  if (!scopes.includes(scope as Scope)) return false
  if (request.scopes.some((other) => other < scope && scopes.includes(other))) return false
  const entriesIn = ({ attribute, from, to }: Range) =>
    pairsOf(filterable, attribute === '' ? [] : [attribute])
      .filter((pair) => pair.attribute === attribute)
      .map((pair) => entryOf(pair.value, id))
      .filter((own) => isWithin(own, from, to))
  if (ranges.slice(0, range).some((earlier) => entriesIn(earlier).length > 0)) return false
  return !entriesIn(ranges[range]!).some((own) => compareBytes(own, entry) < 0)
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

/** The tables refuse to go on from outside a range: a made-up cursor, or one of before the attributes were declared. */
function isIn({ range, entry }: Position, ranges: readonly Range[]): boolean {
  const bounds = ranges[range]
  return bounds !== undefined && isWithin(entry, bounds.from, bounds.to)
}

function isWithin(entry: string, from: string, to: string): boolean {
  return compareBytes(entry, from) >= 0 && compareBytes(entry, to) <= 0
}

/** As DynamoDB sorts. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
