import { type Command, InvalidArgumentError } from 'commander'
import { type Pair, pairsOf, parsePairs } from '../../test/natlab/matrix.ts'
import { benchTraversal, type Score, type TraversalResult } from './traversal.ts'

interface Options {
  readonly json?: true
  readonly pairs?: readonly Pair[]
  readonly runs: number
}

export function addTraversal(program: Command): void {
  program
    .command('traversal')
    .description(
      'pairs of real NATs opened beside HyperDHT and libjuice; needs root, npm ci --prefix bench/traversal',
    )
    .option('--json', 'print one JSON value')
    .option('--pairs <a:b,c:d>', 'these pairs of kinds (default: each of the core against each)', pairsOption)
    .option('--runs <n>', 'attempts of each, for each pair', runsOption, 3)
    .action(run)
}

async function run({ json, pairs = pairsOf('core'), runs }: Options): Promise<void> {
  const told = (result: TraversalResult) => process.stderr.write(`${lineOf(result)}\n`)
  const results = await benchTraversal(pairs, runs, told)
  if (json) console.log(JSON.stringify(results, null, 1))
}

function lineOf({ a, b, straightway, hyperdht, libjuice }: TraversalResult): string {
  const scores = [straightway, hyperdht, libjuice].map((score) => cellOf(score).padEnd(16))
  return `${`${a} to ${b}`.padEnd(48)}${scores.join('')}`
}

const cellOf = ({ direct, runs, directMs }: Score): string =>
  `${direct}/${runs}${directMs === null ? '' : `, ${directMs.p50} ms`}`

function pairsOption(text: string): readonly Pair[] {
  try {
    return parsePairs(text)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}

function runsOption(text: string): number {
  const runs = Number(text)
  if (Number.isInteger(runs) && runs > 0) return runs
  throw new InvalidArgumentError('It is a whole number above 0.')
}
