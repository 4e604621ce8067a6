import { defineConfig } from 'vitest/config'
import { PATIENCE } from '../../vitest.long.config.ts'

/** `npm run test:infra`: synthesis and bundles, without credentials. It takes a minute, so it is not part of `npm test`. */
export default defineConfig({
  test: {
    include: ['test/infra/*.test.ts', 'test/infra/machine/*.test.ts'],
    testTimeout: 180_000,
    expect: PATIENCE,
    hookTimeout: 180_000,
    maxWorkers: 2,
    retry: process.env.CI ? 1 : 0,
  },
})
