import type { Command } from 'commander'
import { wholeNumberFrom } from '../number-argument.ts'
import { benchIdle } from './idle.ts'
import { benchRest } from './rest.ts'
import { benchStart } from './start.ts'

interface Options {
  readonly json?: true
  readonly quick?: true
}

/** Adds the commands `start`, `idle` and `rest`, which need root. Each fails on a wrong answer, never on a time. */
export function addSystem(program: Command): void {
  program
    .command('start')
    .description('how soon the command line and the system are there, and what an idle system takes; as root')
    .option('--json', 'print one JSON value')
    .option('--quick', 'two runs of the command line and two idle seconds')
    .option('--rounds <n>', 'runs of the command line', wholeNumberFrom(1, 1000), 11)
    .option('--idle <s>', 'seconds of the idle system', wholeNumberFrom(1, 3600), 30)
    .action(async ({ json, quick, rounds, idle }: Options & { rounds: number; idle: number }) => {
      const result = await benchStart(quick ? { rounds: 2, idleSeconds: 2 } : { rounds, idleSeconds: idle })
      const { help, system } = result
      const text = [
        `straightway --help   ${ms(help.ms)}, an empty Node ${ms(help.bareMs)}: ${ms(help.ms - help.bareMs)} more (bound 150 ms)`,
        `  CPU time           ${ms(help.cpuMs)}, an empty Node ${ms(help.bareCpuMs)}`,
        `npm start            ready after ${ms(system.readyMs)} (bound 3,000 ms), ${ms(system.cpuToReadyMs)} of CPU`,
        `idle system          ${(system.idleCore * 100).toFixed(2)} % of a core (bound 1 %)`,
      ]
      print(json, result, text)
      if (!result.isGood) process.exitCode = 1
    })
  program
    .command('idle')
    .description('memory of an idle tunnel end; as root')
    .option('--json', 'print one JSON value')
    .option('--quick', '20 tunnels')
    .option('--tunnels <n>', 'number of tunnels', wholeNumberFrom(10, 10_000), 300)
    .action(async ({ json, quick, tunnels }: Options & { tunnels: number }) => {
      const result = await benchIdle(quick ? 20 : tunnels)
      const { bytesPerEnd: all, heapBytesPerEnd: heap } = result
      print(json, result, [
        `${result.tunnels} tunnels, KB for each end (bound 40)`,
        `offering    ${kb(all.offering)}, of which heap and buffers ${kb(heap.offering)}`,
        `accepting   ${kb(all.accepting)}, of which heap and buffers ${kb(heap.accepting)}`,
      ])
    })
  program
    .command('rest')
    .description('what a request to INDEX costs the system of `npm start`, route by route; as root')
    .option('--json', 'print one JSON value')
    .option('--quick', '10 requests of each route')
    .option('--count <n>', 'requests of each route', wholeNumberFrom(10, 100_000), 300)
    .action(async ({ json, quick, count }: Options & { count: number }) => {
      const result = await benchRest(quick ? 10 : count)
      const lines = result.routes.map(
        ({ route, cpuMs, ms: elapsed, good, asked }) =>
          `${route.padEnd(30)}${cpuMs.toFixed(2).padStart(8)} ms CPU${elapsed.toFixed(2).padStart(8)} ms   ${good} of ${asked} good`,
      )
      print(json, result, lines)
      if (!result.isGood) process.exitCode = 1
    })
}

function print(json: true | undefined, result: object, text: readonly string[]): void {
  console.log(json ? JSON.stringify(result) : text.join('\n'))
}

const ms = (value: number): string => `${Math.round(value)} ms`
const kb = (bytes: number): string => (bytes / 1000).toFixed(1)
