import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { LONG } from './vitest.long.config.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/natlab/**', 'test/infra/**', ...LONG],
    /** Tests are not timed: a machine that does other things too is no fault. */
    testTimeout: 120_000,
    hookTimeout: 120_000,
    retry: process.env.CI ? 1 : 0,
    // Twice the cores of a small machine: many tests wait for the network more than they compute.
    maxWorkers: 4,
    // Files of one worker share its modules: a third of the time was loading them anew.
    isolate: false,
    /** Programs that tests start are compiled once. */
    env: { NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache') },
  },
})
