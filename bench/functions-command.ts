import type { Command } from 'commander'
import { benchFunctions, type FunctionResult, type FunctionsResult } from './functions.ts'
import { wholeNumberFrom } from './number-argument.ts'

interface Options {
  readonly json?: true
  readonly runs: number
}

const MAX_RUNS = 1000

export function addFunctions(program: Command): void {
  program
    .command('functions')
    .description('size of each Lambda function, and how long it takes to its first answer')
    .option('--json', 'print one JSON value')
    .option('--runs <n>', 'how often each is started', wholeNumberFrom(1, MAX_RUNS), 5)
    .action(async ({ json, runs }: Options) => {
      const result = await benchFunctions(runs)
      console.log(json ? JSON.stringify(result) : textOf(result))
    })
}

function textOf({ bare, functions, boundBytes }: FunctionsResult): string {
  return [
    'function      KB zipped   first answer, ms   of that loading   x bare',
    ...[{ ...bare, ratio: 1 }, ...functions].map(lineOf),
    `A function may weigh ${boundBytes / 1024} KB.`,
  ].join('\n')
}

function lineOf({ name, zippedBytes, coldMs, loadMs, ratio }: FunctionResult): string {
  const kilobytes = (zippedBytes / 1024).toFixed(1)
  return `${name.padEnd(14)}${kilobytes.padStart(9)}${coldMs.toFixed(0).padStart(19)}${loadMs.toFixed(0).padStart(18)}${ratio.toFixed(2).padStart(9)}`
}
