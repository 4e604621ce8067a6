import { defineConfig } from 'vitest/config'

/** `npm run test:emulator`: deploys into MiniStack by the CDK CLI; needs python3 and PyPI. A minute or two. */
export default defineConfig({
  test: {
    include: ['test/infra/emulator/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
})
