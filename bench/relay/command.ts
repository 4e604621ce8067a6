import type { Command } from 'commander'
import { numberFrom, wholeNumberFrom } from '../number-argument.ts'
import { benchRelay, type RelayCost, type RelayRow } from './bench.ts'

const SIZES = [64, 1200]

interface Options {
  readonly json?: true
  readonly quick?: true
  readonly seconds: number
  readonly rounds: number
}

export function addRelay(program: Command): void {
  program
    .command('relay')
    .description('what a relayed datagram costs: ours, coturn and a loop in C')
    .option('--json', 'print one JSON value')
    .option('--quick', 'one short round of one size: shows that it works')
    .option('--seconds <n>', 'how long each is measured in a round', numberFrom(0.1, 3600), 3)
    .option('--rounds <n>', 'how often each takes its turn', wholeNumberFrom(1, 100), 5)
    .action(async ({ json, quick, seconds, rounds }: Options) => {
      const wanted = quick ? { seconds: 0.5, rounds: 1, sizes: [64] } : { seconds, rounds, sizes: SIZES }
      const rows = await benchRelay(wanted)
      console.log(json ? JSON.stringify(rows) : textOf(rows))
      const isEmpty = rows.some(({ ours, coturn }) => ours.perSecond === 0 || coturn.perSecond === 0)
      if (isEmpty) process.exitCode = 1
    })
}

function textOf(rows: readonly RelayRow[]): string {
  const head =
    'bytes  load        relay    us CPU   a second   relay CPU   load CPU    lost   p50 ms   p99 ms'
  const lines = rows.flatMap((row) => [
    line(row, 'ours', row.ours),
    line(row, 'coturn', row.coturn),
    ...(row.loop ? [line(row, 'C loop', row.loop)] : []),
    `       straightway / coturn, CPU time of a datagram: ${row.ratio.toFixed(2)}`,
  ])
  return [head, ...lines].join('\n')
}

function line({ bytes, load }: RelayRow, name: string, cost: RelayCost): string {
  const percent = (share: number, digits = 0) => `${(share * 100).toFixed(digits)} %`
  return [
    `${bytes}`.padStart(5),
    `  ${load.padEnd(10)}`,
    `  ${name.padEnd(7)}`,
    cost.cpuMicros.toFixed(2).padStart(8),
    cost.perSecond.toLocaleString('en').padStart(11),
    percent(cost.relayCpu).padStart(12),
    percent(cost.loadCpu).padStart(11),
    percent(cost.lost, 1).padStart(8),
    cost.delayMs.p50.toFixed(2).padStart(9),
    cost.delayMs.p99.toFixed(2).padStart(9),
  ].join('')
}
