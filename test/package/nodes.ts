/** The Node versions that the package must run on, from the `node` package of npm. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The oldest version that `engines` allows, and the newest of each release line since. */
export const NODES = ['20.11.0', '20', '22', '24'] as const

const CACHE = join(import.meta.dirname, '../../node_modules/.cache/straightway-nodes')

/** Returns the binary of a version, and installs it on first use. */
export function nodeBinary(version: string): string {
  const folder = join(CACHE, version)
  const binary = join(folder, 'node_modules/node/bin/node')
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "allowScripts": { "node": true } }')
    execFileSync('npm', ['install', '--no-save', `node@${version}`], { cwd: folder, stdio: 'pipe' })
  }
  return binary
}
