/**
 * The bundles that run in the cloud: one file per function and two for a node. Each contains everything it imports,
 * including the AWS SDK. In a checkout, esbuild makes them from the sources. The installed package contains them ready-made
 * (build.ts), so that a CDK app that uses the constructs needs neither sources nor a bundler.
 */
import { copyFileSync, cpSync, existsSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import type { BuildOptions } from 'esbuild'
import { FUNCTIONS, type FunctionDescription, KEY_ROTATION } from './functions.ts'
import { copyNative } from './native-packages.ts'

/** The native module of a node. It loads a binary from its own folder, so it cannot be part of a bundle. */
export const NATIVE = 'sodium-native'
/** Native modules of the SDK. */
const SDK_NATIVES = [NATIVE, 'udx-native']

/** Builds of the node's native addon for each platform. The addon is loaded from the folder of the bundle. */
const UDP_ADDON = 'udp-edge/native/prebuilds'

const ROOT = join(import.meta.dirname, '..')
/** Ready-made bundles of the installed package. A checkout has none. */
const READY = join(ROOT, 'bundles')
const NODE = 'node'
const FUNCTION_FILE = 'index.mjs'
const NODE_ENTRIES = { main: 'udp-edge/main.ts', start: 'udp-edge/instance/start.ts' }

/** Defines `require`, which CommonJS packages need inside an ESM bundle. */
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

interface Bundled {
  readonly entry: FunctionDescription['entry']
  readonly native?: boolean | undefined
}

/**
 * Writes a function's bundle into the folder `out`, with the native modules that it needs. Returns the path of the file, which
 * exports `handler`.
 */
export function writeFunction({ entry, native }: Bundled, out: string): string {
  const file = join(out, FUNCTION_FILE)
  const ready = join(READY, readyName(entry))
  if (existsSync(ready)) copyFileSync(ready, file)
  else bundle({ entry, native }, file)
  for (const name of native ? SDK_NATIVES : []) copyNative(name, out)
  return file
}

const bundle = ({ entry, native }: Bundled, outfile: string): void =>
  esbuild({ ...OPTIONS, entryPoints: [entry], outfile, external: native ? SDK_NATIVES : [] })

/** Writes the bundles of a node into the folder `out`: its process, the one that starts it on an instance, and source maps. */
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

/** Writes all bundles of the package into the folder `out`. */
export function writeBundles(out: string): void {
  for (const description of [...(Object.values(FUNCTIONS) as FunctionDescription[]), KEY_ROTATION]) {
    const file = join(out, readyName(description.entry))
    mkdirSync(dirname(file), { recursive: true })
    bundle(description, file)
  }
  mkdirSync(join(out, NODE), { recursive: true })
  writeNode(join(out, NODE))
}

const readyName = (entry: Bundled['entry']): string => join(dirname(entry), `${basename(entry, '.ts')}.mjs`)

/** Runs esbuild, which is loaded on first use, because the installed package does not depend on it. */
function esbuild(options: BuildOptions): void {
  const { buildSync } = createRequire(import.meta.url)('esbuild') as typeof import('esbuild')
  buildSync(options)
}
