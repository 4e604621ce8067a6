import type { Directory } from '../../shared/directory.ts'
import type { Tables } from './tables.ts'

/** The in-memory tables, behind the interface that nodes use on a real host. */
export function memoryDirectory(tables: Tables): Directory {
  return { ask: async (request) => structuredClone(tables.answer(request)) }
}
