import type { Command } from 'commander'
import { KINDS } from '../../infra/bill.ts'
import { wholeNumberFrom } from '../number-argument.ts'
import { benchFleet, type FleetResult } from './bench.ts'

interface Options {
  readonly json?: true
  readonly peers: number
  readonly signedIn?: number
  readonly nodes: number
  readonly networkSize: number
  readonly seconds?: number
}

const HELP = `
A million peers at 40 nodes take about five minutes of one core, and 1.4 GB of memory. Progress goes to stderr.`

export function addFleet(program: Command): void {
  program
    .command('fleet')
    .description('what a fleet asks of tables, functions and gateway, in simulated time, and the bill of it')
    .option('--json', 'print one JSON value; progress goes to stderr')
    .option('--peers <n>', 'peers of the fleet', wholeNumberFrom(100, 2_000_000), 10_000)
    .option(
      '--signed-in <n>',
      'peers that sign in, and do what all would do; the others are in the tables only (default: at most 20000)',
      wholeNumberFrom(100, 2_000_000),
    )
    .option('--nodes <n>', 'they are spread over', wholeNumberFrom(2, 250), 4)
    .option('--network-size <n>', 'members of a network', wholeNumberFrom(2, 100_000), 50)
    .option(
      '--seconds <n>',
      'of an ordinary day, simulated (default: 600, fewer for more than 100,000 peers)',
      wholeNumberFrom(60, 86_400),
    )
    .addHelpText('after', HELP)
    .action(async ({ json, ...size }: Options) => {
      const progress = (what: string) => void process.stderr.write(`${what}\n`)
      const result = await benchFleet({ ...size, progress })
      console.log(json ? JSON.stringify(result) : textOf(result))
    })
}

function textOf(result: FleetResult): string {
  const { done, counts, tables, death, bill } = result
  const perSecond = (count: number) => (count / result.simulatedSeconds).toFixed(1).padStart(10)
  const row = (name: string, { calls, read, write }: FleetResult['tables'][string]) =>
    name.padEnd(20) + perSecond(calls) + perSecond(read) + perSecond(write)
  const dollars = (value: number) => `$${Math.round(value).toLocaleString('en')}`.padStart(10)
  return [
    `${result.peers} peers at ${result.nodes} nodes. ${result.signedIn} of them signed in and did what all would do`,
    `${result.simulatedSeconds} s simulated in ${result.wallSeconds} s (CPU ${result.cpuSeconds} s, ${Math.round(result.peakBytes / 1e6)} MB)`,
    `heap: ${result.heapBytesPerPeer} bytes a peer, of node, table and peer together`,
    `done: ${JSON.stringify(done)}`,
    '',
    `a second${' '.repeat(12)}     calls      read     write`,
    ...Object.entries(tables).map(([name, units]) => row(name, units)),
    '',
    `posts ${perSecond(counts.posts)}   calls ${perSecond(Object.values(counts.calls).reduce((sum, count) => sum + count, 0))}   records ${perSecond(counts.records)}   peak queue ${counts.peakQueue}`,
    `a node died with ${death.peers} peers: all known again after ${death.secondsToRecover} s, peak queue ${death.peakQueue}`,
    '',
    'a month          counted  npm run cost',
    ...KINDS.map((what) => what.padEnd(14) + dollars(bill.counted[what]) + dollars(bill.estimated[what])),
    `${'total'.padEnd(14)}${dollars(bill.total)}${dollars(bill.totalEstimated)}`,
  ].join('\n')
}
