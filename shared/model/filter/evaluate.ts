/**
 * Evaluates a filter on a record.
 *
 * - A comparison holds if at least one value at the path satisfies it. Lists are searched at every level. So `ne` means
 *   "some value differs", and `not (tags eq "a")` means "no value is a".
 * - An absent attribute satisfies no comparison, not even `ne`. `pr` requires a value that is not null and not empty.
 * - Values are compared only with values of the same type. Text is compared exactly, by code point. Two date-times (RFC 3339)
 *   are compared by instant.
 */
import { compareText, instantOf } from '../search/encode.ts'
import type { Comparison, Filter, Scalar } from './ast.ts'

export function matches(filter: Filter, record: unknown): boolean {
  return judge(filter, (path) => valuesAt(record, path)) === true
}

/**
 * Like `matches`, for a record with values that are unknown. `look` returns undefined for a path whose values are
 * unknown. The result is undefined if it depends on unknown values.
 */
export function judge(
  filter: Filter,
  look: (path: readonly string[]) => readonly unknown[] | undefined,
): boolean | undefined {
  switch (filter.op) {
    case 'and':
      return all(filter.filters.map((part) => judge(part, look)))
    case 'or':
      return negated(all(filter.filters.map((part) => negated(judge(part, look)))))
    case 'not':
      return negated(judge(filter.filter, look))
    case 'some':
      return look(filter.path)?.some((value) => matches(filter.filter, value))
    case 'pr':
      return look(filter.path)?.some(isPresent)
    default:
      return look(filter.path)?.some((value) => satisfies(value, filter))
  }
}

/** Conjunction in three-valued logic (Kleene): a false part outweighs unknown ones. */
function all(parts: readonly (boolean | undefined)[]): boolean | undefined {
  if (parts.includes(false)) return false
  return parts.includes(undefined) ? undefined : true
}

function negated(part: boolean | undefined): boolean | undefined {
  return part === undefined ? undefined : !part
}

/** Every value at the path, with lists flattened. */
export function valuesAt(record: unknown, path: readonly string[]): readonly unknown[] {
  let values = flat(record)
  for (const name of path) values = values.flatMap((value) => attributesOf(value, name))
  return values.filter((value) => value !== undefined)
}

function flat(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value.flatMap(flat) : [value]
}

/** Values of an attribute. Names are matched without regard to case, so one name may match several attributes. */
function attributesOf(value: unknown, name: string): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return []
  const wanted = name.toLowerCase()
  return Object.entries(value).flatMap(([key, found]) => (key.toLowerCase() === wanted ? flat(found) : []))
}

function isPresent(value: unknown): boolean {
  if (typeof value === 'object') return value !== null && Object.keys(value).length > 0
  return value !== ''
}

function satisfies(value: unknown, { op, value: wanted }: Comparison): boolean {
  switch (op) {
    case 'eq':
      return equal(value, wanted)
    case 'ne':
      return !equal(value, wanted)
    case 'co':
      return typeof value === 'string' && value.includes(wanted as string)
    case 'sw':
      return typeof value === 'string' && value.startsWith(wanted as string)
    case 'ew':
      return typeof value === 'string' && value.endsWith(wanted as string)
    default:
      return inOrder(compare(value, wanted), op)
  }
}

function equal(value: unknown, wanted: Scalar): boolean {
  return value === wanted || compare(value, wanted) === 0
}

/** The order of two values, -1, 0 or 1; undefined if they have none. */
function compare(value: unknown, wanted: Scalar): number | undefined {
  if (typeof value === 'number' && typeof wanted === 'number') return Math.sign(value - wanted)
  if (typeof value !== 'string' || typeof wanted !== 'string') return undefined
  const instant = instantOf(wanted)
  if (instant === undefined) return compareText(value, wanted)
  const own = instantOf(value)
  return own === undefined ? undefined : Math.sign(own - instant)
}

function inOrder(order: number | undefined, op: 'gt' | 'ge' | 'lt' | 'le'): boolean {
  if (order === undefined) return false
  if (order === 0) return op === 'ge' || op === 'le'
  return order > 0 ? op === 'gt' || op === 'ge' : op === 'lt' || op === 'le'
}
