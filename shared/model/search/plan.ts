/**
 * Plans the index reads for a filter. A plan is a list of ranges that together contain every record that can match. Each
 * record found is then evaluated, so a plan may be too wide, but never too narrow.
 *
 * - `eq`, `sw`, `gt`, `ge`, `lt`, `le` and `pr` on a searchable attribute become a range. `ne`, `co`, `ew`, `not`, value paths
 *   and comparisons with null do not; they are only evaluated.
 * - `and` needs the ranges of one attribute only, so each attribute is an alternative plan. Comparisons of one attribute with
 *   values of one kind are intersected, for records that have a single value there. `or` needs ranges of every part.
 * - A filter that only online peers can match (`status eq "online"`, any condition on `metadata`) is read from the list of
 *   online peers, unless a range is expected to be smaller.
 * - If the index cannot help, or a plan would have too many ranges, the whole scope is listed.
 */

import type { Status } from '../../presence.ts'
import type { Comparison, Filter } from '../filter/ast.ts'
import { compareText, encodeInstant, encodeValue, HIGHEST, SEPARATOR } from './encode.ts'
import { isSaid, MORE, NONE, PRESENT, SEVERAL } from './terms.ts'

/** Entries of an attribute from `from` to `to`, both included. */
export interface Range {
  readonly attribute: string
  readonly from: string
  readonly to: string
}

export interface Plan {
  /** All attributes of the plan, including those whose ranges were left out because they are empty. */
  readonly attributes: readonly string[]
  /** Ranges to read. Ranges of one attribute are disjoint and in order. */
  readonly ranges: readonly Range[]
  /** Each range contains a single value, so its entries are in the order of ids. */
  readonly byId: boolean
  /** The plan lists online peers, in the order of users and peers. */
  readonly present?: true
  /** Expected selectivity of this kind of plan. A lower weight selects fewer records. */
  readonly weight: number
}

/** Tells whether an attribute is indexed (undefined if not), and whether a record may have several values there. */
export type Searchable = (attribute: string) => 'one' | 'several' | undefined

/** Most ranges of a plan. Each range is a query per network, and a filter of 512 bytes could have a hundred of them. */
const MAX_RANGES = 24

const WEIGHTS = { equal: 0, prefix: 1, range: 2, present: 3, everything: 4 } as const

export const LIST_EVERYTHING: Plan = {
  attributes: [],
  ranges: [{ attribute: '', from: SEPARATOR, to: HIGHEST }],
  byId: true,
  weight: WEIGHTS.everything,
}

export const LIST_PRESENT: Plan = {
  attributes: [PRESENT],
  ranges: [{ attribute: PRESENT, from: 's', to: `s${HIGHEST}` }],
  byId: false,
  present: true,
  weight: WEIGHTS.present,
}

/**
 * The plans with the lowest weight, at least one. The reader chooses the one that selects the fewest records. `hasPresent`:
 * online peers are listed, so that a plan may read that list.
 */
export function plansOf(
  filter: Filter | undefined,
  searchable: Searchable,
  hasPresent = false,
): readonly Plan[] {
  const plans = filter === undefined ? [] : alternatives(filter, searchable)
  const best = Math.min(...plans.map((plan) => plan.weight))
  if (hasPresent && filter !== undefined && best >= WEIGHTS.present && onlyMatchesPresent(filter))
    return [LIST_PRESENT]
  return plans.length === 0 ? [LIST_EVERYTHING] : plans.filter((plan) => plan.weight === best)
}

const THERE = new Set<unknown>(['online', 'away', 'busy'] satisfies Status[])

/**
 * True if only online peers can match. A peer that is offline has no `metadata` and an empty `custom`, and an attribute
 * without a value satisfies no comparison.
 */
function onlyMatchesPresent(filter: Filter): boolean {
  switch (filter.op) {
    case 'and':
      return filter.filters.some(onlyMatchesPresent)
    case 'or':
      return filter.filters.every(onlyMatchesPresent)
    case 'not':
      return false
    default: {
      const [first = '', ...rest] = filter.path.map((name) => name.toLowerCase())
      if (first === 'metadata' && rest.length > 0) return true
      if (filter.op === 'some' || rest.length > 0) return false
      if (filter.op === 'pr') return first === 'custom'
      if (first === 'status') return filter.op === 'eq' && THERE.has(filter.value)
      return first === 'custom' && SAYS_SOMETHING.has(filter.op) && Boolean(filter.value)
    }
  }
}

const SAYS_SOMETHING = new Set<Comparison['op']>(['eq', 'sw', 'co', 'ew'])

/** True for attributes that the cards of a plan's entries hold besides the indexed ones. */
export function isCarriedBy({ present }: Plan, attribute: string): boolean {
  return present === true && (isSaid(attribute) || attribute === 'user')
}

/** The plan that reads all records that can match in the order of an attribute. Records without a value come last. */
export function sortedPlan(filter: Filter | undefined, attribute: string): Plan {
  const wanted = partsOf(filter).flatMap((part) => boundsOf(part, attribute))
  const ranges = rangesOf(attribute, wanted.length > 0 ? wanted : [ANY], true)
  const without = { attribute, from: NONE, to: NONE + HIGHEST }
  const all = wanted.length > 0 ? ranges : [...ranges, without]
  return { attributes: [attribute], ranges: all, byId: false, weight: WEIGHTS.range }
}

/** Bounds of one comparison: single values from `from` to `to`. */
interface Bounds {
  readonly from: string
  readonly to: string
  readonly weight: number
}

/** Bounds of all single values. Their kinds are letters from `b` to `s`. */
const ANY: Bounds = { from: 'b', to: `s${HIGHEST}`, weight: WEIGHTS.present }

function alternatives(filter: Filter, searchable: Searchable): readonly Plan[] {
  if (filter.op === 'or') return union(filter.filters.map((part) => alternatives(part, searchable)))
  const parts = partsOf(filter)
  const attributes = new Set(parts.flatMap(attributeOf))
  const own = [...attributes].flatMap((attribute) => planOf(parts, attribute, searchable))
  const ors = parts.filter((part) => part.op === 'or')
  return [...own, ...ors.flatMap((part) => alternatives(part, searchable))]
}

/** The parts of a conjunction, all of which have to hold. */
function partsOf(filter: Filter | undefined): readonly Filter[] {
  if (filter === undefined) return []
  return filter.op === 'and' ? filter.filters.flatMap(partsOf) : [filter]
}

function attributeOf(filter: Filter): readonly string[] {
  if (!('path' in filter) || filter.op === 'some') return []
  return [filter.path.join('.').toLowerCase()]
}

function planOf(parts: readonly Filter[], attribute: string, searchable: Searchable): readonly Plan[] {
  const kind = searchable(attribute)
  const wanted = parts.flatMap((part) => boundsOf(part, attribute))
  if (kind === undefined || wanted.length === 0) return []
  const ranges = rangesOf(attribute, wanted, kind === 'several')
  const bounds = narrowest(wanted)
  return [{ attributes: [attribute], ranges, byId: ranges.every(isOneValue), weight: bounds.weight }]
}

/**
 * The ranges of records that can satisfy all of the bounds. A record with a single value is in the intersection of the
 * bounds. A record with several values is in each of them, so one is enough.
 */
function rangesOf(attribute: string, wanted: readonly Bounds[], several: boolean): readonly Range[] {
  const one = narrowest(wanted)
  const any = [...wanted].sort((a, b) => a.weight - b.weight)[0]!
  const single = compareText(one.from, one.to) > 0 ? [] : [{ attribute, from: one.from, to: one.to }]
  if (!several) return single
  return [
    ...single,
    { attribute, from: SEVERAL + any.from, to: SEVERAL + any.to },
    { attribute, from: MORE + SEPARATOR, to: MORE + SEPARATOR + HIGHEST },
  ]
}

/** The intersection of all bounds of one kind of value, for the kind with the lowest weight. */
function narrowest(wanted: readonly Bounds[]): Bounds {
  const kindOf = ({ from, to }: Bounds) => (from[0] === to[0] ? from[0] : '')
  const kinds = new Set(wanted.map(kindOf))
  const narrowed = [...kinds].map((kind) =>
    wanted.filter((bounds) => kindOf(bounds) === kind).reduce(intersected),
  )
  return narrowed.sort((a, b) => a.weight - b.weight)[0]!
}

function intersected(a: Bounds, b: Bounds): Bounds {
  const from = compareText(a.from, b.from) >= 0 ? a.from : b.from
  const to = compareText(a.to, b.to) <= 0 ? a.to : b.to
  const closed = from !== a.from || to !== a.to ? WEIGHTS.prefix : a.weight
  return { from, to, weight: Math.min(a.weight, b.weight, closed) }
}

function isOneValue({ from, to }: Range): boolean {
  return from.endsWith(SEPARATOR) && to === from + HIGHEST
}

/** One plan that joins the best plans of all parts. None if a part has no plan, or if there would be too many ranges. */
function union(parts: readonly (readonly Plan[])[]): readonly Plan[] {
  const best = parts.map((plans) => [...plans].sort((a, b) => a.weight - b.weight)[0])
  if (!best.every((plan) => plan !== undefined)) return []
  const ranges = joined(best.flatMap((plan) => plan.ranges))
  if (ranges.length > MAX_RANGES) return []
  const weight = Math.max(...best.map((plan) => plan.weight))
  const attributes = [...new Set(best.flatMap((plan) => plan.attributes))].sort()
  return [{ attributes, ranges, byId: ranges.every(isOneValue), weight }]
}

/** Sorts ranges and merges those that overlap, so that no entry is in two of them. */
function joined(ranges: readonly Range[]): readonly Range[] {
  const sorted = [...ranges].sort(
    (a, b) => compareText(a.attribute, b.attribute) || compareText(a.from, b.from),
  )
  const disjoint: Range[] = []
  for (const range of sorted) {
    const last = disjoint.at(-1)
    if (last?.attribute !== range.attribute || compareText(range.from, last.to) > 0) disjoint.push(range)
    else if (compareText(range.to, last.to) > 0) disjoint[disjoint.length - 1] = { ...last, to: range.to }
  }
  return disjoint
}

/** The bounds of a filter part on an attribute. None if the index cannot use it. */
function boundsOf(filter: Filter, attribute: string): readonly Bounds[] {
  if (attributeOf(filter)[0] !== attribute) return []
  if (filter.op === 'pr') return [ANY]
  return comparisonBounds(filter as Comparison)
}

function comparisonBounds({ op, value }: Comparison): readonly Bounds[] {
  const instant = typeof value === 'string' && op !== 'sw' ? encodeInstant(value) : undefined
  const encoded = instant ?? encodeValue(value)
  if (encoded === undefined) return []
  const kind = encoded[0]!
  const end = encoded + SEPARATOR + HIGHEST
  switch (op) {
    case 'eq':
      return [{ from: encoded + SEPARATOR, to: end, weight: WEIGHTS.equal }]
    case 'sw':
      return [{ from: encoded, to: encoded + HIGHEST, weight: WEIGHTS.prefix }]
    case 'gt':
    case 'ge':
      return [{ from: encoded, to: kind + HIGHEST, weight: WEIGHTS.range }]
    case 'lt':
    case 'le':
      return [{ from: kind, to: end, weight: WEIGHTS.range }]
    default:
      return []
  }
}
