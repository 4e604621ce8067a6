/**
 * The history of a record's index entries: where it was entered and when, for as long as a search may last.
 *
 * A search in the order of values is read in pages, and records may move meanwhile between pages that were read and pages
 * that were not. So each search has a fixed time, and each record has exactly one place for that time: the first, in the
 * order of the search, of the places where it was entered at that time. The entry stays readable there after the record has
 * moved on, and the record is returned at that place only.
 *
 * A record that was out of reach at that time has its place where it first came into reach before the search began.
 */
import type { Range } from './plan.ts'
import { entryOf, type Pair } from './terms.ts'

/** A period in which a record was entered, in epoch milliseconds; `until` is null while it still is. */
export type Stay = readonly [at: number, until: number | null]

/** Stays of a record, by scope, and by attribute and value. */
export interface History {
  readonly scopes: Readonly<Record<string, readonly Stay[]>>
  readonly values: Readonly<Record<string, Readonly<Record<string, readonly Stay[]>>>>
}

export const NO_HISTORY: History = { scopes: {}, values: {} }

/** Upper bound of the time from a write's timestamp to its completion, including the error of clocks. */
export const SETTLED_MS = 10_000
/** Longest duration of a search. */
export const SEARCH_MS = 10 * 60_000
/** Time after which no search needs a stay that has ended. */
export const KEPT_MS = SEARCH_MS + 2 * SETTLED_MS

/** The properties of a search that determine places. */
export interface Reach {
  /** Blocks of scopes, in the order of the search. All scopes of a block are read together. */
  readonly blocks: readonly (readonly string[])[]
  readonly ranges: readonly Range[]
  readonly descending: boolean
  /** Start of the search, in epoch milliseconds. */
  readonly beganAt: number
}

export interface Place {
  readonly block: number
  readonly range: number
  readonly entry: string
}

/** The fixed time of a search. All writes with an earlier timestamp are complete when the search begins. */
export function timeOf({ beganAt }: Pick<Reach, 'beganAt'>): number {
  return beganAt - SETTLED_MS
}

/** The history after the record is entered under these scopes and pairs at `now`, and nowhere else. */
export function advanced(
  { scopes, values }: History,
  wanted: { readonly scopes: readonly string[]; readonly pairs: readonly Pair[] },
  now: number,
): History {
  const valuesOf = (attribute: string) =>
    wanted.pairs.filter((pair) => pair.attribute === attribute).map(({ value }) => value)
  const attributes = new Set([...Object.keys(values), ...wanted.pairs.map(({ attribute }) => attribute)])
  const advancedValues = [...attributes].map(
    (attribute) => [attribute, stayed(own(values, attribute) ?? {}, valuesOf(attribute), now)] as const,
  )
  return {
    scopes: stayed(scopes, wanted.scopes, now),
    values: Object.fromEntries(advancedValues.filter(([, stays]) => Object.keys(stays).length > 0)),
  }
}

/**
 * The history as JSON text, with lists in place of objects. This avoids a bug in V8 13.6 (Node.js 24): after JSON.parse has
 * read a name that ends with a backslash, it may return that name for one that ends with a quote.
 */
export function writtenHistory({ scopes, values }: History): string {
  const byAttribute = Object.entries(values).map(([attribute, byValue]) => [
    attribute,
    Object.entries(byValue),
  ])
  return JSON.stringify([Object.entries(scopes), byAttribute])
}

export function parsedHistory(text: string): History {
  const [scopes, byAttribute] = JSON.parse(text) as [ByName, [attribute: string, byValue: ByName][]]
  const values = byAttribute.map(([attribute, byValue]) => [attribute, Object.fromEntries(byValue)] as const)
  return { scopes: Object.fromEntries(scopes), values: Object.fromEntries(values) }
}

type ByName = [name: string, stays: readonly Stay[]][]

/** Start of the current stay; undefined if there is none. */
function sinceIn(stays: readonly Stay[] | undefined): number | undefined {
  const last = stays?.at(-1)
  return last !== undefined && last[1] === null ? last[0] : undefined
}

/** The history without stays that have ended. */
export function withoutPast({ scopes, values }: History): History {
  const open = (stays: readonly Stay[]) => stays.filter(([, until]) => until === null)
  const kept = (byName: Readonly<Record<string, readonly Stay[]>>) =>
    Object.fromEntries(
      Object.entries(byName)
        .map(([name, stays]) => [name, open(stays)] as const)
        .filter(([, stays]) => stays.length > 0),
    )
  const attributes = Object.entries(values).map(([attribute, byValue]) => [attribute, kept(byValue)] as const)
  return { scopes: kept(scopes), values: Object.fromEntries(attributes) }
}

/** The one place of a record in a search; undefined if the record is out of reach. */
export function placeOf(history: History, id: string, reach: Reach): Place | undefined {
  const time = timeOf(reach)
  const stays = staysIn(history, id, reach)
  const then = stays.filter(({ at, until }) => at <= time && until > time)
  if (then.length > 0) return firstOf(then, reach)
  const later = stays.filter(({ at }) => at > time && at <= reach.beganAt)
  const soonest = Math.min(...later.map(({ at }) => at))
  return firstOf(
    later.filter(({ at }) => at === soonest),
    reach,
  )
}

/** Compares places by the order in which a search reads them. */
export function comparePlaces(a: Place, b: Place, descending: boolean): number {
  const sign = descending ? -1 : 1
  return a.block - b.block || sign * (a.range - b.range) || sign * compareBytes(a.entry, b.entry)
}

/** Compares texts by their UTF-8 bytes, as DynamoDB sorts keys. */
export function compareBytes(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b))
}

interface PlaceAndStay extends Place {
  readonly at: number
  readonly until: number
}

function staysIn({ scopes, values }: History, id: string, reach: Reach): readonly PlaceAndStay[] {
  const inScopes = reach.blocks.flatMap((block, index) =>
    block.flatMap((scope) => (own(scopes, scope) ?? []).map((stay) => ({ block: index, stay }))),
  )
  const inRanges = reach.ranges.flatMap((range, index) =>
    Object.entries(own(values, range.attribute) ?? {})
      .map(([value, stays]) => ({ range: index, entry: entryOf(value, id), stays }))
      .filter(({ entry }) => compareBytes(entry, range.from) >= 0 && compareBytes(entry, range.to) <= 0),
  )
  const all = inScopes.flatMap(({ block, stay }) =>
    inRanges.flatMap(({ range, entry, stays }) =>
      stays.map((other) => ({ block, range, entry, ...overlapOf(stay, other) })),
    ),
  )
  // Drops pairs of stays that do not overlap: a record that returned to a scope with a new value was not there with the old one.
  return all.filter(({ at, until }) => at < until)
}

function overlapOf([at, until]: Stay, [otherAt, otherUntil]: Stay) {
  return {
    at: Math.max(at, otherAt),
    until: Math.min(until ?? Number.POSITIVE_INFINITY, otherUntil ?? Number.POSITIVE_INFINITY),
  }
}

function firstOf(stays: readonly PlaceAndStay[], { descending }: Reach): Place | undefined {
  return [...stays].sort((a, b) => comparePlaces(a, b, descending))[0]
}

/** An own property of a record. An attribute may have the name of an inherited property, such as `constructor`. */
export function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

/** The stays after a change: wanted names stay or begin, others end, and stays that ended long ago are removed. */
function stayed(
  before: Readonly<Record<string, readonly Stay[]>>,
  wanted: readonly string[],
  now: number,
): Readonly<Record<string, readonly Stay[]>> {
  const names = new Set([...Object.keys(before), ...wanted])
  const after = [...names].map((name) => {
    const stays = (own(before, name) ?? []).filter(([, until]) => until === null || until > now - KEPT_MS)
    const since = sinceIn(stays)
    if (wanted.includes(name)) return [name, since === undefined ? [...stays, [now, null]] : stays] as const
    return [name, since === undefined ? stays : [...stays.slice(0, -1), [since, now]]] as const
  })
  return Object.fromEntries(after.filter(([, stays]) => stays.length > 0)) as Readonly<
    Record<string, readonly Stay[]>
  >
}
