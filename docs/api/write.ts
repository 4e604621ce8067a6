/**
 * The API reference of the SDK: `npm run docs:api` writes it to docs/api/out, `npm run docs:api -- --check` writes nothing
 * and fails if an export, or a method of one, has no documentation, or refers to a type that is not exported.
 */
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
const manifest = createRequire(import.meta.url).resolve('typedoc/package.json')
const typedoc = join(dirname(manifest), 'bin/typedoc')
const check = process.argv.includes('--check')
const output = check ? ['--emit', 'none'] : ['--out', join(import.meta.dirname, 'out')]
const args = [typedoc, '--options', join(import.meta.dirname, 'typedoc.json'), ...output]
const { status } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' })
if (check && status === 0) console.log('every export is documented')
process.exit(status ?? 1)
