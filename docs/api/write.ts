/**
 * The API references of the SDK and of `straightway/infra`: `npm run docs:api` writes them to docs/api/out and
 * docs/api/out/infra. `npm run docs:api -- --check` writes nothing and fails if an export, or a method of one, has no
 * documentation, or an export of the SDK refers to a type that is not exported.
 */
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
const manifest = createRequire(import.meta.url).resolve('typedoc/package.json')
const typedoc = join(dirname(manifest), 'bin/typedoc')
const check = process.argv.includes('--check')

function document(options: string, out: string): number {
  const output = check ? ['--emit', 'none'] : ['--out', join(import.meta.dirname, out)]
  const args = [typedoc, '--options', join(import.meta.dirname, options), ...output]
  return spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' }).status ?? 1
}

const status = document('typedoc.json', 'out') || document('typedoc.infra.json', 'out/infra')
if (check && status === 0) console.log('every export is documented')
process.exit(status)
