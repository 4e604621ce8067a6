import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/examples/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    retry: process.env.CI ? 1 : 0,
  },
})
