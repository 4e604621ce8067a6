import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { PATIENCE } from '../../../vitest.long.config.ts'

/** Test files with the guarantees of INDEX, wherever it runs. */
const CONTRACT = ['users', 'networks', 'objects', 'permissions'].map(
  (name) => `test/functions/rest/${name}.test.ts`,
)
const FIRST = ['deployed', 'users', 'networks', 'objects', 'permissions', 'peers', 'update', 'removal']
const ORDER = [...FIRST, 'operate', 'preflight', 'promotion']

/** Runs the files in order. The first ones share one deployment, and the last of them removes it. */
class InOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) =>
      ORDER.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`))
    return files.toSorted((one, other) => place(one) - place(other))
  }
}

/** `npm run test:emulator`: deploys into MiniStack with the CDK CLI. Needs python3 and PyPI; takes a few minutes. */
export default defineConfig({
  test: {
    include: ['test/infra/emulator/*.test.ts', ...CONTRACT],
    globalSetup: 'test/infra/emulator/deployment.ts',
    testTimeout: 300_000,
    expect: PATIENCE,
    hookTimeout: 300_000,
    fileParallelism: false,
    sequence: { sequencer: InOrder },
  },
})
