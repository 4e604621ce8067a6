import { defineConfig } from 'vitest/config'
import { PATIENCE } from '../../vitest.long.config.ts'

/** `npm run test:natlab`: needs root and nft. Files run one at a time, because each has real processes and real waits. */
export default defineConfig({
  test: {
    include: ['test/natlab/**/*.test.ts'],
    testTimeout: 120_000,
    expect: PATIENCE,
    hookTimeout: 120_000,
    retry: process.env.CI ? 1 : 0,
    fileParallelism: false,
    maxConcurrency: 6,
  },
})
