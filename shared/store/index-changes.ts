/** Computes which items of the index change when a record is indexed again. */
import type { Card } from '../model/search/card.ts'
import { type History, KEPT_MS, type Stay } from '../model/search/history.ts'
import { entryOf, isOfSeveral, type Pair } from '../model/search/terms.ts'
import { tableName } from './client.ts'
import type { Manifest } from './index-entries.ts'
import type { Write } from './transact.ts'

/** The entries that a record is to have. No scopes if the record is gone. */
export interface Entered {
  readonly scopes: readonly string[]
  readonly pairs: readonly Pair[]
  readonly card: Card
  /** Cost of reading the record, in units of 4 KB. */
  readonly units: number
}

export interface IndexedRecord {
  /** `user`, `network`, `peer`, or `object/` and the collection. */
  readonly entity: string
  readonly id: string
}

export interface Changes {
  readonly needed: readonly Write[]
  /** Items that no search reads any more. Those that are not removed now expire. */
  readonly spare: readonly Write[]
}

/** The item of a record at one place of the index. */
export interface Posting {
  readonly term: string
  readonly entry: string
  /** Time at which the record came to this place, epoch milliseconds. */
  readonly at: number
  /** Time at which the record left this place, epoch milliseconds. */
  readonly until?: number
  readonly card?: Card
  readonly units?: number
  readonly expiresAtSeconds?: number
}

/**
 * A record with more entries than this carries its card only in the entries by which members are listed, because
 * every change rewrites all cards.
 */
const CARDS = 256
const ALWAYS_CARDED = new Set(['', 'user'])

export function termOf(entity: string, scope: string, attribute: string): string {
  return `${entity}#${scope}#${attribute}`
}

export function changesOf(
  record: IndexedRecord,
  before: Manifest,
  wanted: Entered,
  history: History,
  now: number,
): Changes {
  const old = spotsOf(record, before.history)
  const present = spotsOf(record, history)
  const isCarded = cardedIn(wanted)
  const pending = before.pending === undefined ? [] : spotsUnder(record, before.pending)
  const rewritten = before.pending !== undefined
  const refreshed = before.card !== wanted.card || before.units !== wanted.units
  const puts = [...present.values()]
    .filter((spot) => spot.until === null)
    .filter((spot) => rewritten || old.get(spot.key)?.until !== null || (refreshed && isCarded(spot)))
    .map((spot) => put(spot, isCarded(spot) ? wanted : undefined))
  if (wanted.scopes.length === 0) {
    const all = new Map([...old, ...pending.map((spot) => [spot.key, spot] as const)])
    return { needed: [...all.values()].map(remove), spare: [] }
  }
  const left = [...old.values(), ...pending].filter(({ key }) => present.get(key)?.until !== null)
  const ended = new Map(left.map((spot) => [spot.key, spot]))
  const wasOpen = (key: string) => old.get(key)?.until === null || pending.some((spot) => spot.key === key)
  const open = [...ended.values()].filter(({ key }) => wasOpen(key))
  const closed = open.map((spot) => {
    const stay = present.get(spot.key)
    return stay === undefined ? remove(spot) : put({ ...stay, until: stay.until ?? now }, undefined)
  })
  const spare = [...ended.values()].filter(({ key }) => !wasOpen(key) && !present.has(key)).map(remove)
  return { needed: [...puts, ...closed], spare }
}

interface Spot {
  readonly key: string
  readonly term: string
  readonly entry: string
  readonly attribute: string
  readonly value: string
  readonly at: number
  readonly until: number | null
}

/** Every place of a history, each with its last stay. */
function spotsOf(record: IndexedRecord, { scopes, values }: History): ReadonlyMap<string, Spot> {
  const spots = Object.entries(scopes).flatMap(([scope, scopeStays]) =>
    Object.entries(values).flatMap(([attribute, byValue]) =>
      Object.entries(byValue).map(([value, stays]) =>
        spotAt(record, scope, { attribute, value }, scopeStays.at(-1)!, stays.at(-1)!),
      ),
    ),
  )
  return new Map(spots.map((spot) => [spot.key, spot]))
}

function spotsUnder(record: IndexedRecord, { scopes, pairs }: Entered): readonly Spot[] {
  return scopes.flatMap((scope) => pairs.map((pair) => spotAt(record, scope, pair, [0, null], [0, null])))
}

function spotAt(
  { entity, id }: IndexedRecord,
  scope: string,
  { attribute, value }: Pair,
  [scopeAt, scopeUntil]: Stay,
  [at, until]: Stay,
): Spot {
  const term = termOf(entity, scope, attribute)
  const entry = entryOf(value, id)
  const ends = [scopeUntil, until].filter((end) => end !== null)
  return {
    ...{ key: JSON.stringify([term, entry]), term, entry, attribute, value },
    at: Math.max(scopeAt, at),
    until: ends.length === 0 ? null : Math.min(...ends),
  }
}

function cardedIn({ scopes, pairs }: Entered): (spot: Spot) => boolean {
  const single = pairs.filter(({ value }) => !isOfSeveral(value))
  const every = single.length * scopes.length <= CARDS
  return ({ attribute, value }) => !isOfSeveral(value) && (every || ALWAYS_CARDED.has(attribute))
}

function put({ term, entry, at, until }: Spot, carried: Pick<Entered, 'card' | 'units'> | undefined): Write {
  const Item: Posting = {
    ...{ term, entry, at },
    ...(until !== null && { until, expiresAtSeconds: Math.ceil((until + KEPT_MS) / 1000) }),
    ...(carried && { card: carried.card }),
    ...(carried && carried.units > 1 && { units: carried.units }),
  }
  return { Put: { TableName: tableName('SearchTerms'), Item } }
}

function remove({ term, entry }: Pick<Spot, 'term' | 'entry'>): Write {
  return { Delete: { TableName: tableName('SearchTerms'), Key: { term, entry } } }
}
