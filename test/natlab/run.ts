/**
 * `npm run natlab`: measures for which pairs of NATs the product opens a direct path in this laboratory. Prints JSON on
 * stdout and progress on stderr.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type Cell, cellOf, type MatrixName, type Pair, pairsOf, parsePairs } from './matrix.ts'
import { pictureOf } from './matrix-picture.ts'
import { missingHere } from './needs.ts'
import { Trials } from './trials.ts'

interface Flags {
  readonly matrix: MatrixName
  readonly pairs?: readonly Pair[]
  readonly runs: number
  readonly json?: true
  readonly svg?: string
  readonly delay: number
}

/** Maximum delay: a round trip twice around the world. */
const MAX_DELAY_MS = 1000

const program = new Command('npm run natlab --')
  .description('Opens tunnels between peers behind real NATs, one pair of kinds after another. Needs root.')
  .addOption(new Option('--matrix <which>', 'which pairs').choices(['core', 'rest']).default('core'))
  .option('--pairs <a:b,c:d>', 'these pairs instead', pairsArgument)
  .option('--runs <n>', 'tunnels for each pair', runsArgument, 3)
  .option(
    '--json',
    'print a JSON array {a, b, runs, direct, relayed, failed, firstByteMs, directMs, packets, technique, why}',
  )
  .option('--delay <ms>', 'how much longer a round trip from one side to the other takes', delayArgument, 0)
  .option('--svg <file>', 'where the picture goes (default: docs/natlab-MATRIX.svg for a matrix)')
  .action(run)

async function run(flags: Flags): Promise<void> {
  const missing = missingHere()
  if (missing !== undefined) {
    process.stderr.write(`The laboratory ${missing}.\n`)
    process.exit(1)
  }
  const cells = await measure(flags)
  if (flags.json) process.stdout.write(`${JSON.stringify(cells, null, 1)}\n`)
  const svg = flags.svg ?? (flags.pairs === undefined ? picturePath(flags.matrix) : undefined)
  if (svg !== undefined) {
    mkdirSync(dirname(svg), { recursive: true })
    writeFileSync(svg, pictureOf(cells))
  }
  if (cells.some(({ failed }) => failed > 0)) process.exitCode = 1
}

async function measure({ pairs: wanted, matrix, runs, delay }: Flags): Promise<readonly Cell[]> {
  const pairs = wanted ?? pairsOf(matrix)
  await using trials = await Trials.start({ delayMs: delay })
  const startedAt = performance.now()
  const cells: Cell[] = []
  for (const pair of pairs) {
    const cell = cellOf(pair, await trials.runs(pair, runs))
    cells.push(cell)
    const leftMs = ((performance.now() - startedAt) / cells.length) * (pairs.length - cells.length)
    const progress = `${cells.length}/${pairs.length}, ${minutes(leftMs)} left`
    process.stderr.write(`${progress}  ${told(cell)}\n`)
  }
  return cells
}

function minutes(ms: number): string {
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

function told({ a, b, runs, direct, failed, directMs, technique, packets, why }: Cell): string {
  const how = direct === 0 ? '' : `, ${technique ?? 'unasked'}, ${directMs?.p50} ms, ${packets} packets`
  const rest = failed > 0 ? `, ${failed} FAILED` : ''
  return `${a} to ${b}: ${direct}/${runs} direct${how}${rest}${why === null ? '' : `, ${why}`}`
}

const picturePath = (matrix: MatrixName): string =>
  fileURLToPath(new URL(`../../docs/natlab-${matrix}.svg`, import.meta.url))

function pairsArgument(text: string): readonly Pair[] {
  try {
    return parsePairs(text)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}

function runsArgument(text: string): number {
  const runs = Number(text)
  if (Number.isInteger(runs) && runs > 0) return runs
  throw new InvalidArgumentError('Not a number greater than 0.')
}

function delayArgument(text: string): number {
  const ms = Number(text)
  if (ms >= 0 && ms <= MAX_DELAY_MS) return ms
  throw new InvalidArgumentError(`Not a number from 0 to ${MAX_DELAY_MS}.`)
}

await program.parseAsync()
