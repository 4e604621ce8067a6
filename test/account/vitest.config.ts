import { defineConfig } from 'vitest/config'

/** The contract tests of INDEX, run against a system in an account. `npm run test:account` deploys it and runs this. */
export default defineConfig({
  test: {
    include: ['users', 'networks', 'objects', 'permissions'].map(
      (name) => `test/functions/rest/${name}.test.ts`,
    ),
    globalSetup: 'test/account/provided.ts',
    testTimeout: 120_000,
    hookTimeout: 120_000,
    fileParallelism: false,
  },
})
