/** Folds names of users, networks and peers, which are compared without case, and in Unicode NFC. */
import type { Filter } from '../filter/ast.ts'

/** A name in folded form. It is upper-cased first, as two small letters may share one capital; a final sigma becomes a sigma. */
export function foldedName(name: string): string {
  return name.toUpperCase().toLowerCase().replaceAll('ς', 'σ').normalize('NFC')
}

/** The filter with folded names, for records whose `name` is folded. */
export function withFoldedNames(filter: Filter): Filter {
  switch (filter.op) {
    case 'and':
    case 'or':
      return { ...filter, filters: filter.filters.map(withFoldedNames) }
    case 'not':
      return { ...filter, filter: withFoldedNames(filter.filter) }
    case 'some':
    case 'pr':
      return filter
    default: {
      const isName = filter.path.length === 1 && filter.path[0]?.toLowerCase() === 'name'
      if (!isName || typeof filter.value !== 'string') return filter
      return { ...filter, value: foldedName(filter.value) }
    }
  }
}
