import { defineConfig } from 'vitest/config'
import { PATIENCE } from '../../vitest.long.config.ts'

export default defineConfig({
  test: {
    include: ['test/package/**/*.test.ts'],
    testTimeout: 300_000,
    expect: PATIENCE,
    hookTimeout: 240_000,
    retry: process.env.CI ? 1 : 0,
    fileParallelism: false,
  },
})
