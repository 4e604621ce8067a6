/**
 * The index entries of a record. A record is entered under its scopes: the networks in which it may be found, and `*` for API
 * keys. Within a scope it is entered under pairs of attribute and encoded value, in one of these forms:
 *
 *   (empty)   the pair of the empty attribute, by which a scope is listed
 *   <value>   the value of an attribute that has one value
 *   t<value>  each value of an attribute that has several, up to the limit
 *   t~        beside them, when there are more than the limit
 *   z         an attribute that has no value: it sorts last
 *
 * Online peers are also entered in their networks under PRESENT, which is not an attribute (shared/store/present.ts).
 *
 * Single values and several values are entered separately. For single values, `a ge 1 and a le 5` is one range. Of several
 * values, one may satisfy the first comparison and another one the second.
 */
import { LIMITS } from '../../limits.ts'
import type { Metadata } from '../../presence.ts'
import type { Scalar } from '../filter/ast.ts'
import { valuesAt } from '../filter/evaluate.ts'
import { encodeInstant, encodeValue, SEPARATOR } from './encode.ts'

/** The scope of API keys, which contains every record. */
export const EVERYTHING = '*'
/** Prefix of values of an attribute that has several. */
export const SEVERAL = 't'
/** Entry of a record with more values than are entered, so that it may have any value. */
export const MORE = `${SEVERAL}~`
export const NONE = 'z'
/** Most values of one attribute that are entered individually. */
const VALUES_PER_ATTRIBUTE = 16
/** Encoding of any object, in addition to the kinds of encode.ts. */
const OBJECT = 'o'
/** Names that a filter can contain. */
const NAME = /^[A-Za-z][\w$-]{0,63}$/
/** Live metadata of a peer. It is small, so all its values are entered, and MORE is not needed. */
const LIVE = /^metadata\.[^.]+$/

/** Attribute under which peers are entered that others see online. No real attribute can have this name. */
export const PRESENT = '~present'
/** Attributes of a peer's presence, besides its live metadata, in lower case. */
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

/** True for live metadata of a peer, at the top level. */
export function isLive(attribute: string): boolean {
  return LIVE.test(attribute)
}

/** True for attributes of presence. They are searched among online peers, unless they are declared searchable. */
export function isSaid(attribute: string): boolean {
  return isLive(attribute) || SAID.has(attribute)
}

/** The live metadata by which a peer can be found: the first names in order, up to `LIMITS.searchableAttributes`. */
export function searchableMetadata(metadata: Metadata): Metadata {
  const names = Object.keys(metadata).filter((name) => NAME.test(name))
  const first = names.sort().slice(0, LIMITS.searchableAttributes)
  return Object.fromEntries(first.map((name) => [name, metadata[name]!]))
}

/** The sort key of an entry. The value comes first, so that ranges of values are ranges of keys. */
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

/** The encodings of a value. A date-time is entered as a text and as an instant. */
function encodingsOf(value: unknown): readonly string[] {
  const instant = typeof value === 'string' ? encodeInstant(value) : undefined
  return instant === undefined ? [plainOf(value)] : [plainOf(value), instant]
}
