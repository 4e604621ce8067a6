/**
 * Emits the two packages that are installed, as JavaScript with types (system/README.md says why there are two):
 *
 *   node build.ts sdk      dist/: the SDK and the CLI; links of the README are made absolute while it is packed
 *   node build.ts restore  the README of the checkout, after packing
 *   node build.ts system   system/dist/: the constructs, the bundles that they deploy, and the system on one machine
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeBundles } from './infra/bundles.ts'

const root = import.meta.dirname
const ADDON = 'udp-edge/native/prebuilds'
const README = join(root, 'README.md')
const ASIDE = join(root, '.readme-of-the-checkout')

for (const what of process.argv.length > 2 ? process.argv.slice(2) : ['sdk', 'restore', 'system']) {
  if (what === 'sdk') buildSdk()
  else if (what === 'restore') restoreReadme()
  else if (what === 'system') buildSystem()
  else throw new Error(`build.ts knows sdk, restore and system, not ${what}`)
}

function buildSdk(): void {
  emit('tsconfig.sdk.json', join(root, 'dist'))
  restoreReadme()
  renameSync(README, ASIDE)
  writeFileSync(README, withAbsoluteLinks(readFileSync(ASIDE, 'utf8')))
}

function restoreReadme(): void {
  if (existsSync(ASIDE)) renameSync(ASIDE, README)
}

function buildSystem(): void {
  const dist = join(root, 'system/dist')
  emit('tsconfig.system.json', dist)
  cpSync(join(root, ADDON), join(dist, ADDON), { recursive: true })
  writeBundles(join(dist, 'bundles'))
  const start = join(dist, 'local/start.js')
  writeFileSync(start, `#!/usr/bin/env node\n${readFileSync(start, 'utf8')}`)
  chmodSync(start, 0o755)
}

function emit(config: string, into: string): void {
  rmSync(into, { recursive: true, force: true })
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [compiler, '-p', config], { cwd: root, stdio: 'inherit' })
}

/** A reader of the package's page has no checkout. */
function withAbsoluteLinks(markdown: string): string {
  const { repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    repository: { url: string }
  }
  const home = repository.url.replace(/^git\+|\.git$/g, '')
  return markdown.replace(
    /(!?)\[([^\]]*)\]\((?!https?:|#)([^)]+)\)/g,
    (_, image: string, text: string, to: string) => {
      const kind = image === '!' ? 'raw' : to.endsWith('/') ? 'tree' : 'blob'
      return `${image}[${text}](${home}/${kind}/main/${to})`
    },
  )
}
