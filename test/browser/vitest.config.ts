import { defineConfig } from 'vitest/config'
import { PATIENCE, PROGRAMS } from '../../vitest.long.config.ts'

/** `npm run test:browser`: the SDK for browsers in Chromium, against a running system. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: PATIENCE,
    maxWorkers: 1,
    retry: process.env.CI ? 1 : 0,
    env: PROGRAMS,
  },
})
