import { type Command, InvalidArgumentError } from 'commander'
import { type Pair, parsePairs } from '../../test/natlab/matrix.ts'
import { numberFrom, wholeNumberFrom } from '../number-argument.ts'
import { OPENED } from './opened-pairs.ts'
import { cellOf, comparisons, tableOf } from './table.ts'
import { benchTraversal, type TraversalResult } from './traversal.ts'

interface Options {
  readonly json?: true
  readonly markdown?: true
  readonly pairs?: readonly Pair[]
  readonly runs: number
  readonly delay: number
}

const MAX_RUNS = 1000
/** Longest additional round-trip time: twice around the world. */
const MAX_DELAY_MS = 1000

export function addTraversal(program: Command): void {
  program
    .command('traversal')
    .description('pairs of real NATs opened beside HyperDHT and libjuice; needs root, npm ci --prefix bench')
    .option('--json', 'print one JSON value: `pairs`, and `comparisons` with each of the others')
    .option('--markdown', 'print the table of bench/results/traversal.md')
    .option(
      '--pairs <a:b,c:d>',
      'these pairs of kinds (default: those of the core that somebody opens)',
      pairsOption,
    )
    .option('--runs <n>', 'attempts of each, for each pair', wholeNumberFrom(1, MAX_RUNS), 3)
    .option(
      '--delay <ms>',
      'how much longer a round trip from one side to the other takes',
      numberFrom(0, MAX_DELAY_MS),
      0,
    )
    .action(run)
}

async function run({ json, markdown, pairs = OPENED, runs, delay }: Options): Promise<void> {
  const told = (result: TraversalResult) => process.stderr.write(`${lineOf(result)}\n`)
  const results = await benchTraversal(pairs, { runs, delayMs: delay }, told)
  if (json) console.log(JSON.stringify({ pairs: results, comparisons: comparisons(results) }, null, 1))
  if (markdown) console.log(tableOf(results))
}

function lineOf({ a, b, straightway, hyperdht, libjuice }: TraversalResult): string {
  const scores = [straightway, hyperdht, libjuice].map((score) => cellOf(score).padEnd(24))
  return `${`${a} to ${b}`.padEnd(48)}${scores.join('')}`
}

function pairsOption(text: string): readonly Pair[] {
  try {
    return parsePairs(text)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}
