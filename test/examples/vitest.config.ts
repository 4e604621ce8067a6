import { defineConfig } from 'vitest/config'
import { PATIENCE } from '../../vitest.long.config.ts'

export default defineConfig({
  test: {
    include: ['test/examples/**/*.test.ts'],
    testTimeout: 120_000,
    expect: PATIENCE,
    hookTimeout: 120_000,
    retry: process.env.CI ? 1 : 0,
  },
})
