import { defineConfig } from 'vitest/config'
import { PATIENCE, PROGRAMS } from '../../vitest.long.config.ts'

/** The tests that mutants are tried on: all that need neither root nor an emulator, the long ones too. */
export default defineConfig({
  test: {
    root: process.cwd(),
    include: ['test/**/*.test.ts'],
    exclude: [
      'test/natlab/**',
      'test/infra/**',
      'test/rest/**',
      'test/package/**',
      'test/examples/**',
      'test/mutate/**',
    ],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: PATIENCE,
    maxWorkers: 2,
    isolate: false,
    bail: 1,
    env: PROGRAMS,
  },
})
