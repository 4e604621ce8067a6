#!/usr/bin/env node
// Runs the command line: the built JavaScript in an installed package, the TypeScript in a checkout. The TypeScript
// needs a Node that strips types; an older Node starts the one among the dependencies.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const at = (path) => fileURLToPath(new URL(path, import.meta.url))
const source = at('./main.ts')
module.enableCompileCache?.() // Halves the start-up time.
const [major, minor] = process.versions.node.split('.').map(Number)

if (!existsSync(source)) await import('../dist/cli/main.js')
else if (major > 22 || (major === 22 && minor >= 18)) await import('./main.ts')
else {
  const newer = at('../node_modules/.bin/node')
  if (existsSync(newer)) launch(newer)
  else {
    console.error(
      'straightway: this checkout needs Node 22.18 or later: run `npm ci` in it, which brings one along.',
    )
    process.exitCode = 1
  }
}

// Forwards signals. The channel tells the other process when this one is killed.
function launch(node) {
  const child = spawn(node, [source, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.once('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
}
