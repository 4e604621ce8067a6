import { defineConfig } from 'vitest/config'

/** Statistics over many seeds, and what takes its time: `npm run test:long`, so that `npm test` stays short. CI runs both. */
export const LONG = [
  'test/sim/run.test.ts',
  'test/sim/tunnels.test.ts',
  'test/sim/population.test.ts',
  'test/core/tunnel/symmetric.test.ts',
  'test/e2e/udp-comes-and-goes.test.ts',
]

export default defineConfig({
  test: { include: LONG, testTimeout: 120_000, maxWorkers: 2 },
})
