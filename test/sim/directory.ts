import type { Directory } from '../../shared/directory.ts'
import type { Tables } from './tables.ts'

/** The tables in memory behind the interface that nodes ask on a real host. */
export function memoryDirectory(tables: Tables): Directory {
  return { ask: async (request) => structuredClone(tables.answer(request)) }
}
