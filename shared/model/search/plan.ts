/**
 * From a filter to what to read of the index. A plan is a list of ranges that together hold every record that can match;
 * each record found is then evaluated, so a plan may be too wide and never too narrow.
 *
 * - `eq`, `sw`, `gt ge lt le` and `pr` on a searchable attribute are a range. `ne`, `co`, `ew`, `not`, value paths and
 *   comparisons with null are evaluated only.
 * - `and` needs the range of one part: each is an alternative. `or` needs ranges of every part.
 * - Where nothing can be read from the index, or too many ranges would have to be, the whole scope is listed.
 */
import type { Comparison, Filter } from '../filter/ast.ts'
import { encodeInstant, encodeValue, HIGHEST, SEPARATOR } from './encode.ts'

/** Entries of an attribute from `from` to `to`, both included. */
export interface Range {
  readonly attribute: string
  readonly from: string
  readonly to: string
}

export interface Plan {
  readonly ranges: readonly Range[]
  /** How little a plan of this form can be expected to select: lower is better. */
  readonly weight: number
}

/** Each is a query for every network: a filter of 512 bytes could ask for a hundred. */
const MAX_RANGES = 16

const WEIGHTS = { equal: 0, prefix: 1, range: 2, present: 3, everything: 4 } as const

export const LIST_EVERYTHING: Plan = {
  ranges: [{ attribute: '', from: SEPARATOR, to: HIGHEST }],
  weight: WEIGHTS.everything,
}

/** The equally promising plans, of which the reader takes the one that selects least. Never empty. */
export function plansOf(
  filter: Filter | undefined,
  isSearchable: (attribute: string) => boolean,
): readonly Plan[] {
  const plans = filter === undefined ? [] : alternatives(filter, isSearchable)
  const best = Math.min(...plans.map((plan) => plan.weight))
  return plans.length === 0 ? [LIST_EVERYTHING] : plans.filter((plan) => plan.weight === best)
}

function alternatives(filter: Filter, isSearchable: (attribute: string) => boolean): readonly Plan[] {
  switch (filter.op) {
    case 'and':
      return filter.filters.flatMap((part) => alternatives(part, isSearchable))
    case 'or':
      return union(filter.filters.map((part) => alternatives(part, isSearchable)))
    case 'not':
    case 'some':
      return []
    default: {
      const attribute = filter.path.join('.').toLowerCase()
      return isSearchable(attribute) ? planOf(filter, attribute) : []
    }
  }
}

/** The best of every part together; none where a part has none, or where they would be too many. */
function union(parts: readonly (readonly Plan[])[]): readonly Plan[] {
  const best = parts.map((plans) => [...plans].sort((a, b) => a.weight - b.weight)[0])
  if (!best.every((plan) => plan !== undefined)) return []
  const ranges = best.flatMap((plan) => plan.ranges)
  return ranges.length > MAX_RANGES ? [] : [{ ranges, weight: Math.max(...best.map((plan) => plan.weight)) }]
}

function planOf(filter: Comparison | { readonly op: 'pr' }, attribute: string): readonly Plan[] {
  if (filter.op === 'pr')
    return [{ ranges: [{ attribute, from: SEPARATOR, to: HIGHEST }], weight: WEIGHTS.present }]
  const instant =
    typeof filter.value === 'string' && filter.op !== 'sw' ? encodeInstant(filter.value) : undefined
  const value = instant ?? encodeValue(filter.value)
  if (value === undefined) return []
  const kind = value[0]!
  const above = { attribute, from: value, to: `${kind}${HIGHEST}` }
  const below = { attribute, from: kind, to: `${value}${SEPARATOR}${HIGHEST}` }
  switch (filter.op) {
    case 'eq':
      return [{ ranges: [{ ...below, from: value + SEPARATOR }], weight: WEIGHTS.equal }]
    case 'sw':
      return [{ ranges: [{ ...above, to: value + HIGHEST }], weight: WEIGHTS.prefix }]
    case 'gt':
    case 'ge':
      return [{ ranges: [above], weight: WEIGHTS.range }]
    case 'lt':
    case 'le':
      return [{ ranges: [below], weight: WEIGHTS.range }]
    default:
      return []
  }
}
