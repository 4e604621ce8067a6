import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The files that hold what INDEX promises, wherever it runs. */
const CONTRACT = ['users', 'networks', 'objects', 'permissions'].map(
  (name) => `test/functions/rest/${name}.test.ts`,
)
const FIRST = ['deployed', 'users', 'networks', 'objects', 'permissions', 'peers', 'update', 'removal']
const ORDER = [...FIRST, 'operate', 'preflight']

/** The first ones share one deployment, which the last of them removes. */
class InOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) =>
      ORDER.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`))
    return files.toSorted((one, other) => place(one) - place(other))
  }
}

/** `npm run test:emulator`: deploys into MiniStack by the CDK CLI; needs python3 and PyPI. A few minutes. */
export default defineConfig({
  test: {
    include: ['test/infra/emulator/*.test.ts', ...CONTRACT],
    globalSetup: 'test/infra/emulator/deployment.ts',
    testTimeout: 300_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    sequence: { sequencer: InOrder },
  },
})
