#!/usr/bin/env node
// Runs the command line: as built JavaScript where the package is installed, as TypeScript in a checkout. The TypeScript
// needs a Node that strips types; an older one starts the Node that is among the dependencies.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'

const at = (path) => fileURLToPath(new URL(path, import.meta.url))
const source = at('./main.ts')
module.enableCompileCache?.() // Starts in half the time.
const [major, minor] = process.versions.node.split('.').map(Number)

if (!existsSync(source)) await import('../../dist/peer/cli/main.js')
else if (major > 22 || (major === 22 && minor >= 18)) await import('./main.ts')
else {
  const newer = at('../../node_modules/.bin/node')
  if (!existsSync(newer)) {
    console.error(
      'straightway: this checkout needs Node 22.18 or later: run `npm ci` in it, which brings one along.',
    )
    process.exit(1)
  }
  const { status, signal } = spawnSync(newer, [source, ...process.argv.slice(2)], { stdio: 'inherit' })
  if (signal) process.kill(process.pid, signal)
  process.exit(status ?? 1)
}
