/**
 * Emits the two packages that are installed, as JavaScript with types (system/README.md says why there are two):
 *
 *   node build.ts sdk      dist/: the SDK for Node and for browsers, and the CLI; documents that travel get links for readers without a checkout
 *   node build.ts restore  the documents of the checkout, after packing
 *   node build.ts system   system/dist/: the constructs, the bundles that they deploy, and the system on one machine
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { bundleForBrowsers } from './browser/build.ts'
import { addressOf, packedLinks } from './docs/packed-links.ts'
import { writeBundles } from './infra/bundles.ts'

const root = import.meta.dirname
const ADDON = 'udp-edge/native/prebuilds'
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly files: readonly string[]
  readonly repository?: { readonly url: string }
}
const ASIDE = join(root, '.documents-of-the-checkout')

for (const what of process.argv.length > 2 ? process.argv.slice(2) : ['sdk', 'restore', 'system']) {
  if (what === 'sdk') await buildSdk()
  else if (what === 'restore') restoreDocuments()
  else if (what === 'system') buildSystem()
  else throw new Error(`build.ts knows sdk, restore and system, not ${what}`)
}

async function buildSdk(): Promise<void> {
  const dist = join(root, 'dist')
  emit('tsconfig.sdk.json', dist)
  compile(
    'tsconfig.browser.json',
    '--noEmit',
    'false',
    '--declaration',
    '--emitDeclarationOnly',
    '--outDir',
    dist,
  )
  const { outputFiles } = await bundleForBrowsers()
  writeFileSync(join(dist, 'browser/index.js'), outputFiles[0]!.contents)
  keepPublicTypes(dist, ['peer/index.d.ts', 'browser/index.d.ts'])
  restoreDocuments()
  for (const document of manifest.files.filter((path) => path.endsWith('.md'))) {
    const aside = join(ASIDE, document)
    mkdirSync(dirname(aside), { recursive: true })
    renameSync(join(root, document), aside)
    const repository = addressOf(manifest.repository)
    writeFileSync(
      join(root, document),
      packedLinks(readFileSync(aside, 'utf8'), { document, travels, repository }),
    )
  }
}

/** Removes the declarations that no entry refers to: a third of the package, which nobody can import. */
function keepPublicTypes(dist: string, entries: readonly string[]): void {
  const reached = new Set<string>()
  const reach = (path: string): void => {
    if (reached.has(path) || !existsSync(join(dist, path))) return
    reached.add(path)
    const text = readFileSync(join(dist, path), 'utf8')
    for (const [, to] of text.matchAll(/(?:from|import)\s*\(?['"](\.{1,2}\/[^'"]+)\.[jt]s['"]/g))
      reach(join(dirname(path), `${to}.d.ts`))
  }
  for (const entry of entries) reach(entry)
  for (const path of globSync('**/*.d.ts', { cwd: dist })) if (!reached.has(path)) rmSync(join(dist, path))
}

function restoreDocuments(): void {
  for (const document of manifest.files) {
    const aside = join(ASIDE, document)
    if (existsSync(aside)) renameSync(aside, join(root, document))
  }
  rmSync(ASIDE, { recursive: true, force: true })
}

function travels(path: string): boolean {
  return manifest.files.some((file) => path === file || path.startsWith(`${file}/`))
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
  compile(config)
}

function compile(config: string, ...options: readonly string[]): void {
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [compiler, '-p', config, ...options], { cwd: root, stdio: 'inherit' })
}
