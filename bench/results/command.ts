/**
 * `npm run bench -- all`: runs the parts one after another and keeps what each printed in bench/results/results.json. A part that
 * is there is not run again unless it is named, so a run may be interrupted and continued. RESULTS.md and its picture are made
 * from that file.
 */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Command } from 'commander'
import type { Kept } from './kept.ts'
import { markdownOf } from './markdown.ts'
import { PARTS } from './measures.ts'
import { pictureOf } from './picture.ts'

const run = promisify(execFile)
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))
const KEPT = here('results.json')
const MOST_OUTPUT = 64 << 20

interface Options {
  readonly quick?: true
  readonly markdown?: true
  readonly fresh?: true
  readonly only?: readonly string[]
}

export function addAll(program: Command): void {
  program
    .command('all')
    .description('all benchmarks that have a peer or a bound, one after another; as root')
    .option('--quick', 'the --quick of each: shows that they work, and keeps nothing')
    .option('--only <names>', 'these parts only, also if they are there', (text) => text.split(','))
    .option('--fresh', 'all parts again')
    .option('--markdown', 'write bench/RESULTS.md and its picture')
    .action(all)
}

async function all({ quick, markdown, fresh, only }: Options): Promise<void> {
  const kept = quick || (fresh && only === undefined) ? {} : read()
  for (const { name, args } of PARTS) {
    const isWanted = only === undefined ? kept[name] === undefined : only.includes(name)
    if (!isWanted) continue
    const began = performance.now()
    const how = quick ? (QUICK[name] ?? ['--quick']) : args
    try {
      const { stdout } = await run(process.execPath, [here('../run.ts'), name, '--json', ...how], {
        maxBuffer: MOST_OUTPUT,
      })
      const output = JSON.parse(stdout.trim().split('\n').at(-1)!)
      kept[name] = { at: new Date().toISOString(), machine: machine(), loadAverage: loadavg()[1]!, output }
      if (!quick) writeFileSync(KEPT, `${JSON.stringify(kept, undefined, 1)}\n`)
      console.error(`${name}: ${Math.round((performance.now() - began) / 1000)} s`)
    } catch (error) {
      console.error(`${name}: ${(error as Error).message.slice(0, 500)}`)
      process.exitCode = 1
    }
  }
  if (!markdown) return
  writeFileSync(here('../RESULTS.md'), markdownOf(kept))
  writeFileSync(here('../results.svg'), pictureOf(kept))
}

/** Benchmarks that had another way to be short before there was --quick. */
const QUICK: Readonly<Record<string, readonly string[]>> = {
  stun: ['--seconds', '0.9'],
  keepalive: ['--seconds', '0.9'],
  load: [],
}

function read(): Record<string, Kept> {
  return existsSync(KEPT) ? JSON.parse(readFileSync(KEPT, 'utf8')) : {}
}

function machine(): string {
  const [first] = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  return `${first?.model.trim() ?? 'unknown'}, ${cpus().length} cores, ${memory} GB, Node ${process.versions.node}`
}
