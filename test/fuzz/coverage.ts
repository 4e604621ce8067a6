/**
 * Loads a module with counters in all code of `shared/`: one for each statement and each branch. Everything is bundled, so
 * that each run has its own machines and codecs. Native modules are not bundled.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type Plugin, transform } from 'esbuild'
import { createInstrumenter } from 'istanbul-lib-instrument'

const ROOT = join(import.meta.dirname, '../..')
const CACHE = join(ROOT, 'node_modules/.cache/straightway-fuzz')
const MOST_COUNTERS = 1 << 17
/** Name of the global in which instrumented code counts how often each place was reached. */
const COUNTERS = '__straightwayFuzz'
const COUNT = /\bcov_\w+\(\)\.(?:s|b)\[(\d+)\](?:\[(\d+)\])?\+\+/g

let loaded = 0

export interface Covered<Module> {
  readonly module: Module
  /** Counts since they were last cleared. */
  readonly counters: Uint16Array
}

/** A planted fault: a text in a file, and its replacement. */
export interface Plant {
  readonly file: string
  readonly from: string
  readonly to: string
}

/** Loads a module. `plant`: a fault to be found; throws if its text does not occur. */
export async function loadCovered<Module>(entry: string, plant?: Plant): Promise<Covered<Module>> {
  const numbers = new Map<string, number>()
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: ['sodium-native', 'noise-handshake'],
    plugins: [counting(numbers, plant)],
    logLevel: 'error',
  })
  mkdirSync(CACHE, { recursive: true })
  const file = join(CACHE, `${process.pid}-${loaded++}.mjs`)
  writeFileSync(file, outputFiles[0]!.contents)
  const counters = new Uint16Array(numbers.size)
  Object.assign(globalThis, { [COUNTERS]: counters })
  return { module: (await import(pathToFileURL(file).href)) as Module, counters }
}

function counting(numbers: Map<string, number>, plant: Plant | undefined): Plugin {
  const instrumenter = createInstrumenter({ esModules: true, compact: false, preserveComments: false })
  return {
    name: 'counting',
    setup({ onLoad }) {
      onLoad({ filter: /\/shared\/.*\.ts$/ }, async ({ path }) => {
        const { code } = await transform(planted(path, await readFile(path, 'utf8'), plant), {
          loader: 'ts',
          target: 'node24',
        })
        const counted = instrumenter.instrumentSync(code, path)
        const contents = counted.replaceAll(COUNT, (place) => {
          const key = `${path} ${place}`
          const number = numbers.get(key) ?? numbers.size
          if (number >= MOST_COUNTERS) return '0'
          numbers.set(key, number)
          return `globalThis.${COUNTERS}[${number}]++`
        })
        return { contents, loader: 'js' }
      })
    },
  }
}

function planted(path: string, text: string, plant: Plant | undefined): string {
  if (plant === undefined || path !== join(ROOT, plant.file)) return text
  if (!text.includes(plant.from)) throw new Error(`${plant.file} does not have: ${plant.from}`)
  return text.replace(plant.from, plant.to)
}
