/**
 * What of a record goes into the index. A record is found under its scopes (the networks it may be found in, and `*` for
 * API keys); within a scope under pairs of attribute and encoded value. Every record has the pair of the empty attribute,
 * by which a scope is listed.
 */
import { LIMITS } from '../../limits.ts'
import type { Metadata } from '../../presence.ts'
import type { Scalar } from '../filter/ast.ts'
import { valuesAt } from '../filter/evaluate.ts'
import { encodeInstant, encodeValue, SEPARATOR } from './encode.ts'

/** The scope of API keys: everything. */
export const EVERYTHING = '*'
/**
 * Values of one list that are indexed; a longer list is found by its first. Sixteen declared attributes of as many values
 * of the greatest length are 164 kB, so that what a record is indexed under fits an item twice over.
 */
const VALUES_PER_ATTRIBUTE = 16
/** Stands for any object: beside the kinds of encode.ts. */
const OBJECT = 'o'
/** What a filter can name. */
const NAME = /^[A-Za-z][\w$-]{0,63}$/

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

/** The live metadata a peer may be found by: the first names in order, as many as may be declared. */
export function searchableMetadata(metadata: Metadata): Metadata {
  const names = Object.keys(metadata).filter((name) => NAME.test(name))
  const first = names.sort().slice(0, LIMITS.searchableAttributes)
  return Object.fromEntries(first.map((name) => [name, metadata[name]!]))
}

/** The sort key of a posting: value first, so that ranges of values are ranges of keys. */
export function entryOf(value: string, id: string): string {
  return `${value}${SEPARATOR}${id}`
}

export function idOf(entry: string): string {
  return entry.slice(entry.indexOf(SEPARATOR) + 1)
}

function pairsUnder(record: unknown, attribute: string): readonly Pair[] {
  const values = valuesAt(record, attribute.split('.')).slice(0, VALUES_PER_ATTRIBUTE)
  const encoded = new Set(values.flatMap(encodingsOf))
  return [...encoded].map((value) => ({ attribute, value }))
}

/** A date-time is found as a text and as an instant, an object as being there. */
function encodingsOf(value: unknown): readonly string[] {
  if (typeof value === 'object' && value !== null) return [OBJECT]
  const plain = encodeValue(value as Scalar)
  const instant = typeof value === 'string' ? encodeInstant(value) : undefined
  return [plain, instant].filter((encoding) => encoding !== undefined)
}
