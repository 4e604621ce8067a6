import type { Command } from 'commander'
import { wholeNumberFrom } from '../number-argument.ts'
import { benchMillion, type MillionResult } from './bench.ts'

/** Bounds of the issue: bytes of an idle session, and the share of a core that all keep-alives take. */
export const MOST_BYTES = 1229
export const MOST_SHARE = 0.3

interface Options {
  readonly json?: true
  readonly quick?: true
  readonly peers: number
}

/** Adds the command `million`. It fails if a keep-alive, a message or news got lost. */
export function addMillion(program: Command): void {
  program
    .command('million')
    .description('one CHECKPOINT with a million sessions: memory, keep-alives, messages, news')
    .option('--json', 'print one JSON value')
    .option('--quick', '5,000 sessions: shows that it works')
    .option('--peers <n>', 'number of idle sessions', wholeNumberFrom(1000, 4_000_000), 1_000_000)
    .action(({ json, quick, peers }: Options) => {
      const size = quick
        ? { peers: 5000, messages: 400, statuses: 5 }
        : { peers, messages: 20_000, statuses: 200 }
      const result = benchMillion(size, (what) => {
        if (!json) console.error(what)
      })
      console.log(json ? JSON.stringify(result) : textOf(result))
      if (!result.isGood) process.exitCode = 1
    })
}

function textOf({ peers, bytesPerSession, joinMicros, keepAlive, messages, status }: MillionResult): string {
  const micros = (value: number) => `${value.toFixed(2)} us`
  return [
    `${peers.toLocaleString('en')} sessions`,
    `memory         ${bytesPerSession} bytes each (bound ${MOST_BYTES})`,
    `bringing online ${micros(joinMicros)} each, both ends, without the key agreement`,
    `keep-alive     ${micros(keepAlive.micros)}; all of them ${keepAlive.coreShare.toFixed(3)} of a core without sockets (bound ${MOST_SHARE})`,
    `message        ${micros(messages.microsP50)} for it and its receipt, 99 % within ${micros(messages.microsP99)}; ${messages.receipts} of ${messages.sent} acknowledged`,
    `status change  ${micros(status.microsPerPeer)} for each peer that is told, both ends; ${status.told} told`,
  ].join('\n')
}
