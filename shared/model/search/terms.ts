/**
 * What of a record goes into the index. A record is entered under its scopes (the networks it may be found in, and `*` for
 * API keys). Within a scope it is entered under pairs of attribute and encoded value, in one of these places:
 *
 *   (empty)   the pair of the empty attribute, by which a scope is listed
 *   <value>   the value of an attribute that has one value
 *   t<value>  each value of an attribute that has several, up to the limit
 *   t~        beside them, when there are more than the limit
 *   z         an attribute that has no value: it sorts last
 *
 * Peers that are there stand in their networks under PRESENT too, which is no attribute: shared/store/present.ts.
 *
 * Several values stand apart from one, because `a ge 1 and a le 5` is one range of single values, while of several values one
 * may satisfy the one comparison and another the other.
 */
import { LIMITS } from '../../limits.ts'
import type { Metadata } from '../../presence.ts'
import type { Scalar } from '../filter/ast.ts'
import { valuesAt } from '../filter/evaluate.ts'
import { encodeInstant, encodeValue, SEPARATOR } from './encode.ts'

/** The scope of API keys: everything. */
export const EVERYTHING = '*'
/** First letter of each of several values. */
export const SEVERAL = 't'
/** A record with more values than are entered: it may have any. */
export const MORE = `${SEVERAL}~`
export const NONE = 'z'
/** Values of one list that are entered one by one. */
const VALUES_PER_ATTRIBUTE = 16
/** Stands for any object: beside the kinds of encode.ts. */
const OBJECT = 'o'
/** What a filter can name. */
const NAME = /^[A-Za-z][\w$-]{0,63}$/
/** Live metadata has room for few values, so all of them are entered and none of them stands under MORE. */
const LIVE = /^metadata\.[^.]+$/

/** Under this stand the peers that others see there: no attribute has such a name. */
export const PRESENT = '~present'
/** What a peer says of itself as long as it is there, besides its live metadata; lower case. */
const SAID = new Set(['status', 'custom'])

export interface Pair {
  /** Dotted path, lower case; empty for the pair every record has. */
  readonly attribute: string
  readonly value: string
}

export const LISTING: Pair = { attribute: '', value: '' }

/** The pairs of a record under the attributes declared searchable (dotted paths). */
export function pairsOf(record: unknown, searchable: readonly string[]): readonly Pair[] {
  const attributes = new Set(searchable.map((path) => path.toLowerCase()))
  return [LISTING, ...[...attributes].flatMap((attribute) => pairsUnder(record, attribute))]
}

export function isOfSeveral(value: string): boolean {
  return value.startsWith(SEVERAL)
}

/** Live metadata of a peer, at its top level. */
export function isLive(attribute: string): boolean {
  return LIVE.test(attribute)
}

/** What a peer says of itself: it is searched among those that are there, unless it is declared searchable. */
export function isSaid(attribute: string): boolean {
  return isLive(attribute) || SAID.has(attribute)
}

/** The live metadata a peer may be found by: the first names in order, as many as may be declared. */
export function searchableMetadata(metadata: Metadata): Metadata {
  const names = Object.keys(metadata).filter((name) => NAME.test(name))
  const first = names.sort().slice(0, LIMITS.searchableAttributes)
  return Object.fromEntries(first.map((name) => [name, metadata[name]!]))
}

/** The sort key of an entry: value first, so that ranges of values are ranges of keys. */
export function entryOf(value: string, id: string): string {
  return `${value}${SEPARATOR}${id}`
}

export function idOf(entry: string): string {
  return entry.slice(entry.indexOf(SEPARATOR) + 1)
}

export function valueIn(entry: string): string {
  return entry.slice(0, entry.indexOf(SEPARATOR))
}

function pairsUnder(record: unknown, attribute: string): readonly Pair[] {
  const found = valuesAt(record, attribute.split('.')).filter((value) => value !== null)
  const plain = new Set(found.map(plainOf))
  const several = plain.size > 1
  if (plain.size === 0) return [{ attribute, value: NONE }]
  const limit = isLive(attribute) ? plain.size : VALUES_PER_ATTRIBUTE
  const entered = new Set([...plain].sort().slice(0, limit))
  const encoded = new Set(found.filter((value) => entered.has(plainOf(value))).flatMap(encodingsOf))
  const values = [...encoded].map((value) => (several ? SEVERAL + value : value))
  return [...values, ...(plain.size > limit ? [MORE] : [])].map((value) => ({ attribute, value }))
}

function plainOf(value: unknown): string {
  return typeof value === 'object' ? OBJECT : encodeValue(value as Scalar)!
}

/** A date-time is found as a text and as an instant. */
function encodingsOf(value: unknown): readonly string[] {
  const instant = typeof value === 'string' ? encodeInstant(value) : undefined
  return instant === undefined ? [plainOf(value)] : [plainOf(value), instant]
}
