import { defineConfig } from 'vitest/config'
import { PATIENCE } from '../../vitest.long.config.ts'

/** `npm run test:rest`: INDEX under schemathesis, which needs Python. */
export default defineConfig({
  test: {
    include: ['test/rest/*.test.ts'],
    testTimeout: 240_000,
    expect: PATIENCE,
    hookTimeout: 240_000,
    maxWorkers: 1,
  },
})
