/**
 * The visibility of attributes of users, networks and peers, as the collections of these names declare it.
 *
 *   public   every peer of the deployment that asks by the id
 *   network  whoever shares a network with it; what is not declared
 *   private  itself: the user, the user of a peer, admins of a network
 *
 * API keys see everything. A private path also hides everything below it. Names are matched without regard to case, as in
 * filters.
 */
import { StraightwayError } from '../errors.ts'
import type { JsonObject, Visibility } from '../resources.ts'
import type { Filter } from './filter/ast.ts'
import { mergePatch } from './merge-patch.ts'

export const VISIBILITIES = ['public', 'network', 'private'] as const satisfies readonly Visibility[]

/** Declared visibility by dotted path: `name`, or `attributes.` and a path. */
export type Declared = Readonly<Record<string, Visibility>>

interface Described {
  readonly name: string
  readonly attributes: JsonObject
}

/** Paths with the given visibility, in lower case. */
export function pathsOf(declared: Declared, visibility: Visibility): readonly string[] {
  return Object.entries(declared).flatMap(([path, is]) => (is === visibility ? [path.toLowerCase()] : []))
}

/** The record as peers see it that share a network with it. */
export function toMembers<T extends Described>(record: T, declared: Declared): T {
  const hidden = pathsOf(declared, 'private')
  return hidden.length === 0 ? record : { ...record, attributes: without(record.attributes, hidden) }
}

/** The record as any other peer sees it; undefined if no attribute is public. */
export function toStrangers<T extends Described>(record: T, declared: Declared): T | undefined {
  const shown = pathsOf(declared, 'public')
  const parts = shown.map((path) => path.split('.')).filter(([first]) => first === 'attributes')
  const picked = parts.map(([, ...rest]) => only(record.attributes, rest))
  const merged = picked.reduce(mergePatch, {}) as JsonObject
  const attributes = without(merged, pathsOf(declared, 'private'))
  const name = shown.includes('name') ? record.name : ''
  return name === '' && Object.keys(attributes).length === 0 ? undefined : { ...record, name, attributes }
}

/** Throws `bad-request` for a filter or an order that would reveal a private attribute. */
export function expectVisiblePaths(
  { filter, sortBy }: { readonly filter: Filter | undefined; readonly sortBy: string | undefined },
  declared: Declared,
): void {
  const hidden = pathsOf(declared, 'private')
  if (hidden.length === 0) return
  const named = [...(filter === undefined ? [] : pathsIn(filter)), ...(sortBy === undefined ? [] : [sortBy])]
  const told = named.find((path) => hidden.some((each) => isWithin(path, each) || isWithin(each, path)))
  if (told !== undefined)
    throw new StraightwayError('bad-request', `${told}: it is private, so only API keys search by it`)
}

function isWithin(path: string, other: string): boolean {
  return `${path.toLowerCase()}.`.startsWith(`${other.toLowerCase()}.`)
}

function pathsIn(filter: Filter, above: readonly string[] = []): readonly string[] {
  switch (filter.op) {
    case 'and':
    case 'or':
      return filter.filters.flatMap((part) => pathsIn(part, above))
    case 'not':
      return pathsIn(filter.filter, above)
    case 'some':
      return pathsIn(filter.filter, [...above, ...filter.path])
    default:
      return [[...above, ...filter.path].join('.')]
  }
}

/** The attributes without those at the given paths, which begin with `attributes`. */
function without(attributes: JsonObject, paths: readonly string[]): JsonObject {
  const left = paths.reduce((rest: unknown, path) => omitted(rest, path.split('.')), { attributes })
  return (left as { readonly attributes?: JsonObject }).attributes ?? {}
}

function omitted(value: unknown, [first, ...rest]: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((each) => omitted(each, [first!, ...rest]))
  if (typeof value !== 'object' || value === null) return value
  const parts = Object.entries(value).flatMap(([name, part]) => {
    if (name.toLowerCase() !== first) return [[name, part]]
    return rest.length === 0 ? [] : [[name, omitted(part, rest)]]
  })
  return Object.fromEntries(parts)
}

function only(value: unknown, path: readonly string[]): unknown {
  const [first, ...rest] = path
  if (first === undefined) return value
  if (Array.isArray(value)) return value.map((each) => only(each, path))
  if (typeof value !== 'object' || value === null) return {}
  const parts = Object.entries(value).filter(([name]) => name.toLowerCase() === first)
  return Object.fromEntries(parts.map(([name, part]) => [name, only(part, rest)]))
}
