import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { LONG, PATIENCE, PROGRAMS } from './vitest.long.config.ts'
import { SEARCH } from './vitest.search.config.ts'

/** These wait most, so they begin first and the others run meanwhile. vitest puts the biggest files first where it knows no times. */
const WAITING = ['test/e2e/start.test.ts', 'test/peer/stream/streams.test.ts', 'test/peer/join.test.ts']

class WaitingFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const waits = ({ moduleId }: TestSpecification) => WAITING.some((path) => moduleId.endsWith(path))
    return [...sorted.filter(waits), ...sorted.filter((file) => !waits(file))]
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [
      'test/natlab/**',
      'test/infra/**',
      'test/rest/**',
      'test/browser/**',
      'test/package/**',
      'test/examples/**',
      ...LONG,
      ...SEARCH,
    ],
    /** Tests are not timed: a machine that does other things too is no fault. */
    testTimeout: 120_000,
    expect: PATIENCE,
    hookTimeout: 120_000,
    retry: process.env.CI ? 1 : 0,
    // Twice the cores of a small machine: many tests wait for the network more than they compute.
    maxWorkers: 4,
    // Files of one worker share its modules: a third of the time was loading them anew.
    isolate: false,
    sequence: { sequencer: WaitingFirst },
    env: PROGRAMS,
  },
})
