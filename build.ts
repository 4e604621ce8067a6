/**
 * Emits the installable package into dist/: the SDK and the CLI, the constructs of infra, each with what they import, as
 * JavaScript with types; and the bundles that the constructs deploy.
 */
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeBundles } from './infra/bundles.ts'

const root = import.meta.dirname
const dist = join(root, 'dist')
rmSync(dist, { recursive: true, force: true })
execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
})
writeBundles(join(dist, 'bundles'))
