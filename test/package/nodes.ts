/** Versions of Node that the package promises to run on, as the `node` package of npm brings them. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The oldest that `engines` names, and the newest of each line since. */
export const NODES = ['20.11.0', '20', '22', '24'] as const

const CACHE = join(import.meta.dirname, '../../node_modules/.cache/straightway-nodes')

/** The binary of a version, installed the first time that it is asked for. */
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
