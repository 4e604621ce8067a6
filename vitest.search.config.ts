import { defineConfig } from 'vitest/config'
import { PATIENCE } from './vitest.long.config.ts'

/** Searches against an oracle, the index while its function is killed, and what it costs: thousands of records and changes. `npm run test:search`; CI runs a part. */
export const SEARCH = [
  'test/store/oracle.test.ts',
  'test/store/oracle-busy.test.ts',
  'test/store/index-kill.test.ts',
  'test/store/index-cost.test.ts',
]

export default defineConfig({
  test: {
    include: SEARCH,
    testTimeout: 3_600_000,
    expect: PATIENCE,
    hookTimeout: 900_000,
    maxWorkers: 2,
    retry: 0,
  },
})
