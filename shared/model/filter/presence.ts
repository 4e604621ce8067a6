import type { Filter } from './ast.ts'

/** Attributes of peers that belong to their presence, in lower case. */
const PRESENCE: ReadonlySet<string> = new Set(['status', 'custom', 'metadata', 'lastseenat', 'since'])

/** True if a filter of peers, or the attribute that they are sorted by, depends on presence. */
export function looksAtPresence(filter: Filter | undefined, sortBy?: string): boolean {
  const names = filter === undefined ? [] : namesIn(filter)
  return [...names, firstOf(sortBy?.split('.') ?? [])].some((name) => PRESENCE.has(name))
}

/** The outermost attribute names in a filter. */
function namesIn(filter: Filter): readonly string[] {
  switch (filter.op) {
    case 'and':
    case 'or':
      return filter.filters.flatMap(namesIn)
    case 'not':
      return namesIn(filter.filter)
    default:
      return [firstOf(filter.path)]
  }
}

const firstOf = ([name = '']: readonly string[]): string => name.toLowerCase()
