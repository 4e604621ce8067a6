/**
 * Search. Candidates come from the index. They are refuted by their cards, or read and evaluated as they are now.
 *
 * A record that matches throughout is found once, whatever is edited meanwhile. Plans of single values are read in
 * the order of ids (walk.ts). In any other plan each record has one place (shared/model/search/history.ts).
 *
 * A page ends at its limit, at LIMITS.pageBytes of answer, or when its reads have cost about half of
 * LIMITS.searchReadUnits. It may hold fewer records than requested, even none, and still have a cursor.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Asker } from '../directory.ts'
import { StraightwayError } from '../errors.ts'
import type { NetworkId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import { ALSO_CARRIED, type Entity } from '../model/collection.ts'
import type { Filter } from '../model/filter/ast.ts'
import { matches } from '../model/filter/evaluate.ts'
import { parseFilter } from '../model/filter/parse.ts'
import { looksAtPresence } from '../model/filter/presence.ts'
import { withFoldedNames } from '../model/search/fold.ts'
import { compareBytes, SEARCH_MS, SETTLED_MS } from '../model/search/history.ts'
import { isCarriedBy, LIST_EVERYTHING } from '../model/search/plan.ts'
import { EVERYTHING } from '../model/search/terms.ts'
import type { User } from '../model/user.ts'
import { type Declared, expectVisiblePaths, toMembers } from '../model/visibility.ts'
import type { PresenceRecord } from '../presence.ts'
import { collect } from './collector.ts'
import { Meter, metered } from './meter.ts'
import type { Page, PageRequest } from './pages.ts'
import { type Planned, planSearch, searchableBy } from './planning.ts'
import { cursorOf, invalidCursor, type Position, positionIn } from './positions.ts'
import {
  type Documents,
  type Kind,
  readRecords,
  type Scope,
  type SearchableAttributes,
  searchableOf,
} from './records.ts'

export type { Scope } from './records.ts'

export interface SearchRequest<E extends Entity> extends Kind<E>, PageRequest {
  /** The scopes that the asker may search: networks, for objects also its own user; `*` for API keys. */
  readonly scopes: readonly Scope[]
  /** A filter (RFC 7644, 3.4.2.2). Default: everything in the scopes. */
  readonly filter?: string | undefined
  /** A searchable attribute. Default: by id, or in the order of the index. */
  readonly sortBy?: string | undefined
  readonly descending?: boolean | undefined
}

export interface SearchPage<T> extends Page<T> {
  /** Cost of the page, in read units of DynamoDB. */
  readonly readUnits: number
}

/** A page of networks ends at this cost. */
const ENOUGH_UNITS = LIMITS.searchReadUnits / 2
/** Networks per read: each may cost five units. */
const NAMED_TOGETHER = 20
/** Most ranges times scopes that are read concurrently. */
const STREAMS = 32

/**
 * Searches for one page. Errors:
 *
 *   - `bad-request` for a malformed filter (with the position), for an order that no index supports, and for a cursor
 *     of another search;
 *   - `gone` for a cursor of a search that began too long ago.
 */
export async function search<E extends Entity>(
  client: DynamoDBDocumentClient,
  request: SearchRequest<E>,
  now: () => number = Date.now,
): Promise<SearchPage<Documents[E]>> {
  const meter = new Meter()
  const reading = metered(client, meter, { eventually: true })
  const filter = filterOf(request)
  const scopes = [...new Set(request.scopes)].sort(compareBytes)
  const from = positionIn(request)
  const given = { ...request, scopes }
  const { viewer } = request
  const searchable = await searchableOf(reading, request)
  const { visibility } = searchable
  if (viewer !== undefined) expectVisiblePaths({ filter, sortBy: request.sortBy }, visibility)
  const named = request.entity === 'network' && !scopes.includes(EVERYTHING)
  const page = named
    ? await searchNamed(reading, given, filter, from, meter)
    : await searchIndex(client, given, filter, from, meter, now(), searchable)
  const items =
    viewer === undefined ? page.items : page.items.map((item) => asSeenBy(viewer, item, visibility))
  return { ...page, items, readUnits: meter.units }
}

/** The item as the viewer sees it. A user sees its own attributes in full. */
function asSeenBy<T>({ user }: Asker, item: T, visibility: Declared): T {
  if (typeof item !== 'object' || item === null || !('attributes' in item)) return item
  const own = user !== undefined && 'user' in item && item.user === user
  return own ? item : toMembers(item as T & User, visibility)
}

function filterOf({ filter, entity }: Pick<SearchRequest<Entity>, 'filter' | 'entity'>): Filter | undefined {
  const parsed = filter === undefined ? undefined : parseFilter(filter)
  return parsed === undefined || entity === 'object' ? parsed : withFoldedNames(parsed)
}

/** The search that nodes use (shared/directory.ts, `find`). */
export function createPeerSearch(client: DynamoDBDocumentClient) {
  return async (query: {
    readonly viewer: Asker
    readonly networks: readonly NetworkId[]
    readonly filter: string
    readonly limit: number
  }) => {
    const { viewer, networks: scopes, filter, limit } = query
    const { items, cursor } = await search(client, { entity: 'peer', viewer, scopes, filter, limit })
    const records = items.map(({ peer, user, presence }): PresenceRecord => ({ peer, user, ...presence }))
    return { records, more: cursor !== undefined }
  }
}

async function searchIndex<E extends Entity>(
  client: DynamoDBDocumentClient,
  request: SearchRequest<E>,
  filter: Filter | undefined,
  from: Position | undefined,
  meter: Meter,
  now: number,
  searchable: SearchableAttributes,
): Promise<Page<Documents[E]>> {
  const reading = metered(client, meter, { eventually: true })
  const { scopes } = request
  const sortBy = request.sortBy?.toLowerCase()
  const descending = sortBy !== undefined && request.descending === true
  const planning = { kind: request, filter, sortBy, searchable, scopes, from }
  const planned = await planSearch(reading, planning)
  const known = searchableBy(searchable, request)
  const carried = new Set(ALSO_CARRIED[request.entity])
  const isCarried = (attribute: string) =>
    planned.plan.present
      ? isCarriedBy(planned.plan, attribute)
      : carried.has(attribute) || known(attribute) !== undefined
  const blocks = blocksOf(scopes, planned, from)
  if (sortBy !== undefined && blocks.length > 2)
    throw new StraightwayError('bad-request', 'sortBy: name one network, you are in too many to sort all')
  const lasting = (planned.plan.byId || planned.plan.present) && blocks.length <= 2
  const beganAt = lasting ? now : (from?.beganAt ?? now)
  if (beganAt > now + SETTLED_MS) throw invalidCursor()
  if (beganAt < now - SEARCH_MS) {
    throw new StraightwayError('gone', 'The search has taken too long: begin again without the cursor')
  }
  const { plan } = planned
  // The manifests tell the scopes of present peers, as they do for the records of any listing.
  const ranges = plan.present ? LIST_EVERYTHING.ranges : plan.ranges
  const reach = { blocks, ranges, descending, beganAt }
  const isByPresence = request.entity === 'peer' && looksAtPresence(filter, sortBy)
  const consideration = { plan, reach, filter, isCarried, isByPresence }
  return collect({ client, meter, request, planned, consideration, from })
}

/**
 * Searches networks by their ids. A member knows them all, so no index is needed, and a new network is found
 * immediately.
 */
async function searchNamed<E extends Entity>(
  client: DynamoDBDocumentClient,
  request: SearchRequest<E>,
  filter: Filter | undefined,
  from: Position | undefined,
  meter: Meter,
): Promise<Page<Documents[E]>> {
  if (request.sortBy !== undefined)
    throw new StraightwayError('bad-request', 'sortBy: your networks come in the order of their ids')
  const left = request.scopes.filter((scope) => compareBytes(scope, from?.entry ?? '') > 0)
  const items: Documents[E][] = []
  let last: string | undefined
  while (left.length > 0 && items.length < request.limit && meter.units < ENOUGH_UNITS) {
    const ids = left.splice(0, NAMED_TOGETHER)
    const found = new Map((await readRecords(client, request, ids)).map((record) => [record.id, record]))
    for (const [i, id] of ids.entries()) {
      if (items.length === request.limit) {
        left.unshift(...ids.slice(i))
        break
      }
      const record = found.get(id)
      if (record && (!filter || matches(filter, record.filterable))) items.push(record.document)
      last = id
    }
  }
  if (left.length === 0 || last === undefined) return { items }
  const position = { beganAt: 0, attributes: [], through: '', range: 0, entry: last }
  return { items, cursor: cursorOf(position, request) }
}

/**
 * Splits the scopes into blocks that are read one after the other. The first block holds the finished scopes and may
 * be empty; each of the others holds as many as can be read concurrently.
 */
function blocksOf(
  scopes: readonly string[],
  { plan }: Planned,
  from: Position | undefined,
): readonly (readonly string[])[] {
  const through = scopes.filter((scope) => compareBytes(scope, from?.through ?? '') <= 0)
  const rest = scopes.slice(through.length)
  const size = Math.max(1, Math.floor(STREAMS / (plan.byId ? Math.max(1, plan.ranges.length) : 1)))
  const blocks = Array.from({ length: Math.ceil(rest.length / size) }, (_, i) =>
    rest.slice(i * size, (i + 1) * size),
  )
  return [through, ...blocks]
}
