import type { Command } from 'commander'
import { startScript } from '../child.ts'
import { freePort } from '../free-port.ts'
import { numberFrom, wholeNumberFrom } from '../number-argument.ts'
import type { SealLoad, SealMeasured } from './load.ts'

/** A sealed message takes at most this times as long as one in clear, over a network. */
const BOUND = 1.1
const SEED = 1

interface Options {
  readonly json?: true
  readonly lines: number
  readonly messages: number
  readonly wayMs: number
}

export interface SealResult {
  /** Over a network with `wayMs` between each peer and the node, and over loopback alone. */
  readonly network: SealMeasured
  readonly loopback: SealMeasured
  readonly wayMs: number
  readonly bound: number
  readonly isGood: boolean
}

/** Adds the command `seal`. It fails if sealing makes messages over a network slower than the bound. */
export function addSeal(program: Command): void {
  program
    .command('seal')
    .description('how long a sealed message takes until it is acknowledged, beside one in clear, in turns')
    .option('--json', 'print one JSON value')
    .option('--lines <n>', 'pairs of peers', wholeNumberFrom(1, 100), 8)
    .option('--messages <n>', 'messages of each pair, of each kind', wholeNumberFrom(1, 60), 50)
    .option('--way-ms <n>', 'time from a peer to the node in the network', numberFrom(1, 100), 5)
    .action(async ({ json, ...options }: Options) => {
      const result = await benchSeal(options)
      console.log(json ? JSON.stringify(result) : textOf(result))
      if (!result.isGood) process.exitCode = 1
    })
}

export async function benchSeal({ lines, messages, wayMs }: Options): Promise<SealResult> {
  const network = await measured({ lines, messages, wayMs })
  const loopback = await measured({ lines, messages, wayMs: 0 })
  return { network, loopback, wayMs, bound: BOUND, isGood: network.ratio <= BOUND }
}

async function measured(course: Omit<SealLoad, 'node'>): Promise<SealMeasured> {
  const node = { port: await freePort(), seed: SEED }
  const server = startScript('messages/node.ts', `${node.port}`, `${node.seed}`)
  try {
    await server.line()
    const load = startScript('seal/load.ts', JSON.stringify({ ...course, node } satisfies SealLoad))
    try {
      return JSON.parse(await load.line()) as SealMeasured
    } finally {
      await load.stop()
    }
  } finally {
    await server.stop()
  }
}

function textOf({ network, loopback, wayMs, bound }: SealResult): string {
  return [
    `until a message is acknowledged       sealed    in clear     ratio   CPU of sealing`,
    line(`network, ${wayMs} ms to the node`, network),
    line('loopback', loopback),
    `bound over the network: ${bound}`,
  ].join('\n')
}

function line(name: string, { sealedMs, clearMs, ratio, sealingCpuMs }: SealMeasured): string {
  const times = [sealedMs, clearMs].map((ms) => `${ms.toFixed(2)} ms`.padStart(11)).join('')
  return `${name.padEnd(34)}${times}${ratio.toFixed(3).padStart(10)}${`${sealingCpuMs.toFixed(2)} ms`.padStart(17)}`
}
