/**
 * The code that runs in the cloud: one file for a function, two for a node, each with all it imports inside, the SDK of AWS
 * included. A checkout has esbuild make them of the sources. The installed package brings them along (build.ts), so that
 * another CDK app that uses the constructs needs neither sources nor bundler.
 */
import { copyFileSync, cpSync, existsSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import type { BuildOptions } from 'esbuild'
import { FUNCTIONS, type FunctionDescription, KEY_ROTATION } from './functions.ts'

/** A native module: it loads a binary that lies beside it, so it cannot be part of a bundle. */
export const NATIVE = 'sodium-native'

/** The addon of a node, for each platform: it is looked for beside what loads it. */
const UDP_ADDON = 'udp-edge/native/prebuilds'

const ROOT = join(import.meta.dirname, '..')
/** Of the installed package; a checkout has none. */
const READY = join(ROOT, 'bundles')
const NODE = 'node'
const FUNCTION_FILE = 'index.mjs'
const NODE_ENTRIES = { main: 'udp-edge/main.ts', start: 'udp-edge/instance/start.ts' }

/** Packages that are not ESM want a `require` when they are bundled into it. */
const BANNER = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"

const OPTIONS = {
  absWorkingDir: ROOT,
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  banner: { js: BANNER },
  logLevel: 'error',
} as const satisfies BuildOptions

type Entry = FunctionDescription['entry']

/** Puts a function into the folder; the file, whose export `handler` it is. */
export function writeFunction(entry: Entry, out: string): string {
  const file = join(out, FUNCTION_FILE)
  const ready = join(READY, readyName(entry))
  if (existsSync(ready)) copyFileSync(ready, file)
  else esbuild({ ...OPTIONS, entryPoints: [entry], outfile: file })
  return file
}

/** Puts the process of a node and what starts it on an instance into the folder, with maps of their sources. */
export function writeNode(out: string): void {
  const ready = join(READY, NODE)
  if (existsSync(ready)) cpSync(ready, out, { recursive: true })
  else {
    esbuild({
      ...OPTIONS,
      entryPoints: NODE_ENTRIES,
      outdir: out,
      outExtension: { '.js': '.mjs' },
      sourcemap: true,
      sourcesContent: false,
      external: [NATIVE],
    })
    cpSync(join(ROOT, UDP_ADDON), join(out, basename(UDP_ADDON)), { recursive: true })
  }
}

/** What the package brings along, into its folder `bundles`. */
export function writeBundles(out: string): void {
  for (const { entry } of [...Object.values(FUNCTIONS), KEY_ROTATION]) {
    const file = join(out, readyName(entry))
    mkdirSync(dirname(file), { recursive: true })
    esbuild({ ...OPTIONS, entryPoints: [entry], outfile: file })
  }
  mkdirSync(join(out, NODE), { recursive: true })
  writeNode(join(out, NODE))
}

const readyName = (entry: Entry): string => join(dirname(entry), `${basename(entry, '.ts')}.mjs`)

/** Loaded when there is something to bundle: the installed package does without it. */
function esbuild(options: BuildOptions): void {
  const { buildSync } = createRequire(import.meta.url)('esbuild') as typeof import('esbuild')
  buildSync(options)
}
