import type { Command } from 'commander'
import { wholeNumberFrom } from '../number-argument.ts'
import { benchSignIn } from './signin.ts'
import { benchStorm, type StormResult } from './storm.ts'

interface Options {
  readonly json?: true
  readonly quick?: true
}

/** Simulated seconds after which all must be back, by the number of addresses that they come from. */
const BOUNDS = [
  { addresses: 2000, seconds: 15 },
  { addresses: 1, seconds: 60 },
] as const

/** Adds the commands `signin` and `storm`. They fail if a peer is not welcomed. */
export function addSignIn(program: Command): void {
  program
    .command('signin')
    .description('CPU time of a sign-in at the node, beside its cryptography alone')
    .option('--json', 'print one JSON value')
    .option('--quick', '200 sign-ins')
    .option('--count <n>', 'number of sign-ins', wholeNumberFrom(100, 1_000_000), 4000)
    .action(({ json, quick, count }: Options & { count: number }) => {
      const result = benchSignIn(quick ? 200 : count)
      const text = `${result.nodeMicros.toFixed(0)} us for a sign-in, ${result.cryptoMicros.toFixed(0)} us of cryptography alone: ${result.ratio.toFixed(2)}; ${result.welcomed} of ${result.signIns} welcomed`
      console.log(json ? JSON.stringify(result) : text)
      if (result.welcomed !== result.signIns) process.exitCode = 1
    })
  program
    .command('storm')
    .description('how soon all peers of a dead node are back if they notice at the same moment')
    .option('--json', 'print one JSON value')
    .option('--quick', '500 peers')
    .option('--peers <n>', 'number of peers', wholeNumberFrom(10, 60_000), 50_000)
    .action(({ json, quick, peers }: Options & { peers: number }) => {
      const results = BOUNDS.map(({ addresses, seconds }) => ({
        ...benchStorm(quick ? 500 : peers, quick ? Math.min(addresses, 20) : addresses),
        bound: seconds,
      }))
      console.log(json ? JSON.stringify(results) : results.map(stormText).join('\n'))
      if (results.some(({ allBackSeconds }) => !Number.isFinite(allBackSeconds))) process.exitCode = 1
    })
}

function stormText(result: StormResult & { readonly bound: number }): string {
  const { peers, addresses, allBackSeconds, nodeCpuMicros, nodeCpu, lost, bound } = result
  return `${peers.toLocaleString('en')} peers from ${addresses} address${addresses > 1 ? 'es' : ''}: all back after ${allBackSeconds.toFixed(1)} s (bound ${bound}), ${nodeCpuMicros.toFixed(0)} us of the node for each, its core ${Math.round(nodeCpu * 100)} % busy, ${lost} datagrams lost`
}
