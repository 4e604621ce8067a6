import type { Command } from 'commander'
import { wholeNumberFrom } from '../number-argument.ts'
import { benchIndex, type IndexResult, type Size } from './index.ts'

interface Options {
  readonly json?: true
  readonly small?: true
  readonly records?: number
}

const SMALL: Size = { members: 150, objects: 400, large: 40, records: 100_000 }
const WHOLE: Size = { members: 1_000, objects: 10_000, large: 100, records: 1_000_000 }

export function addIndex(program: Command): void {
  program
    .command('index')
    .description(
      'what requests to INDEX read, what its index costs to write, and whether writes keep their pace',
    )
    .option('--json', 'print one JSON value')
    .option('--small', 'a population for CI')
    .option('--records <n>', 'writes between the first and the last measured', wholeNumberFrom(1, 10_000_000))
    .action(async ({ json, small, records }: Options) => {
      const size = small ? SMALL : WHOLE
      const result = await benchIndex({ ...size, records: records ?? size.records })
      console.log(json ? JSON.stringify(result) : textOf(result))
      if (result.over.length > 0) process.exitCode = 1
    })
}

function textOf({ requests, indexWrites, streamedWrites, over }: IndexResult): string {
  const { records, firstCpuMs, laterCpuMs, ratio } = streamedWrites
  return [
    'request                      read units   calls   items     ms',
    ...requests.map(
      ({ name, readUnits, calls, items, ms }) =>
        name.padEnd(28) +
        padded(readUnits, 11) +
        padded(calls, 8) +
        padded(items, 8) +
        padded(Math.round(ms), 7),
    ),
    '',
    'indexing a change                             calls   units',
    ...indexWrites.map(({ name, calls, units }) => name.padEnd(44) + padded(calls, 7) + padded(units, 8)),
    '',
    `A write to a streamed table costs the engine ${firstCpuMs.toFixed(3)} ms of CPU, and ${laterCpuMs.toFixed(3)} ms after ${records} more: ${ratio.toFixed(2)} times.`,
    over.length === 0 ? 'Everything is within its bound.' : `Over its bound: ${over.join(', ')}.`,
  ].join('\n')
}

const padded = (value: number, width: number): string => String(value).padStart(width)
