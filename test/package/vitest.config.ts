import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/package/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 240_000,
    retry: process.env.CI ? 1 : 0,
    fileParallelism: false,
  },
})
