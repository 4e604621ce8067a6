import { type Command, InvalidArgumentError } from 'commander'
import { numberFrom, wholeNumberFrom } from '../number-argument.ts'
import { benchStreams, type StreamCost, type StreamRow, type StreamsOptions } from './bench.ts'
import type { WireKind } from './wire.ts'

const WIRES: readonly WireKind[] = [
  { roundTripMs: 0, loss: 0 },
  { roundTripMs: 20, loss: 0 },
  { roundTripMs: 50, loss: 0 },
  { roundTripMs: 200, loss: 0 },
  { roundTripMs: 20, loss: 0.01 },
  { roundTripMs: 50, loss: 0.01 },
]
/** One short transfer over a clean wire, and one over a wire that loses packets. */
const QUICK: StreamsOptions = {
  seconds: 0.3,
  rounds: 1,
  wires: [
    { roundTripMs: 0, loss: 0 },
    { roundTripMs: 20, loss: 0.01 },
  ],
  paths: ['direct'],
}

interface Options {
  readonly json?: true
  readonly quick?: true
  readonly seconds: number
  readonly rounds: number
  readonly wires: readonly WireKind[]
}

/** Adds the command `streams`. It fails if bytes are wrong, missing or out of order. */
export function addStreams(program: Command): void {
  program
    .command('streams')
    .description(
      'bytes a second of a stream, and CPU time for them, beside HyperDHT and TCP; needs root, iperf3, npm ci --prefix bench',
    )
    .option('--json', 'print one JSON value')
    .option('--quick', 'two short transfers: shows that it works')
    .option('--seconds <n>', 'how long each writes in a round', numberFrom(0.1, 600), 4)
    .option('--rounds <n>', 'how often each takes its turn', wholeNumberFrom(1, 100), 3)
    .option('--wires <ms:loss,...>', 'round trips in ms and shares of lost packets', wiresOption, WIRES)
    .action(run)
}

async function run({ json, quick, seconds, rounds, wires }: Options): Promise<void> {
  const wanted = quick ? QUICK : { seconds, rounds, wires, paths: ['direct', 'relayed'] as const }
  const rows = await benchStreams(wanted, (row) => {
    if (!json) console.log(textOf(row))
  })
  if (json) console.log(JSON.stringify(rows))
  if (rows.some(({ straightway }) => !straightway.isWhole)) process.exitCode = 1
}

function textOf({ roundTripMs, loss, path, straightway, hyperdht, ...row }: StreamRow): string {
  const head = `round trip ${roundTripMs} ms, loss ${loss * 100} %, ${path}`
  const lines = [line('straightway', straightway)]
  if (hyperdht) lines.push(line('HyperDHT', hyperdht))
  if (row.tcp) lines.push(`  ${'TCP'.padEnd(12)}${row.tcp.megabitsPerSecond.toFixed(1).padStart(8)} Mbit/s`)
  if (row.cpuRatio !== undefined)
    lines.push(
      `  CPU ${two(row.cpuRatio)} of HyperDHT's, speed ${two(row.ratio!)} of it and ${two(row.tcpRatio!)} of TCP`,
    )
  return [head, ...lines].join('\n')
}

function line(name: string, cost: StreamCost): string {
  const percent = (share: number) => `${Math.round(share * 100)} %`.padStart(6)
  const shares = `sender ${percent(cost.senderCpu)} receiver ${percent(cost.receiverCpu)} wire ${percent(cost.wireCpu)}`
  const speed = cost.megabitsPerSecond.toFixed(1).padStart(8)
  return `  ${name.padEnd(12)}${speed} Mbit/s ${two(cost.cpuMs).padStart(7)} ms CPU a megabyte, ${shares}${cost.isWhole ? '' : ' WRONG BYTES'}`
}

const two = (value: number): string => value.toFixed(2)

function wiresOption(text: string): readonly WireKind[] {
  return text.split(',').map((each) => {
    const [roundTripMs, loss = 0] = each.split(':').map(Number)
    if (roundTripMs !== undefined && roundTripMs >= 0 && roundTripMs <= 1000 && loss >= 0 && loss < 1)
      return { roundTripMs, loss }
    throw new InvalidArgumentError('It is a list like 0,20,50:0.01.')
  })
}
