import type { Command } from 'commander'
import { numberFrom, wholeNumberFrom } from '../number-argument.ts'
import { benchMessages, type MessageCost, type MessagesRow } from './bench.ts'

interface Options {
  readonly json?: true
  readonly quick?: true
  readonly seconds: number
  readonly rounds: number
}

/** Adds the command `messages`. It fails if a message got lost, or came twice. */
export function addMessages(program: Command): void {
  program
    .command('messages')
    .description(
      'messages that the reader acknowledges, over one and two nodes, beside NATS core and mosquitto QoS 1',
    )
    .option('--json', 'print one JSON value')
    .option('--quick', 'few messages: shows that it works')
    .option('--seconds <n>', 'how long each is loaded in a round', numberFrom(0.1, 600), 3)
    .option('--rounds <n>', 'how often each takes its turn', wholeNumberFrom(1, 100), 3)
    .action(async ({ json, quick, seconds, rounds }: Options) => {
      const rows = await benchMessages(
        quick ? { seconds: 0.3, rounds: 1, lines: 8, quiet: 5 } : { seconds, rounds, lines: 100, quiet: 20 },
      )
      console.log(json ? JSON.stringify(rows) : rows.map(textOf).join('\n'))
      const costs = rows.flatMap(({ straightway, nats, mosquitto }) => [straightway, nats, mosquitto])
      if (costs.some((cost) => cost?.isGood === false)) process.exitCode = 1
    })
}

function textOf({ nodes, straightway, nats, mosquitto, ratio, cpuRatio }: MessagesRow): string {
  return [
    `over ${nodes} node${nodes > 1 ? 's' : ''}       p50       p99     p99.9     a second  a CPU second   server     load   limited by`,
    line('straightway', straightway),
    line('NATS core', nats),
    ...(mosquitto ? [line('mosquitto', mosquitto)] : []),
    `straightway / NATS: p50 ${ratio.toFixed(2)}, messages a CPU second ${cpuRatio.toFixed(2)}`,
  ].join('\n')
}

function line(name: string, cost: MessageCost): string {
  const { p50, p99, p999 } = cost.roundTripMs
  const times = [p50, p99, p999].map((ms) => `${ms.toFixed(2)} ms`.padStart(10)).join('')
  const counts = [cost.perSecond, cost.perCpuSecond].map((n) => n.toLocaleString('en').padStart(13)).join('')
  const shares = [cost.serverCpu, cost.loadCpu].map((n) => `${Math.round(n * 100)} %`.padStart(9)).join('')
  return `${name.padEnd(14)}${times}${counts}${shares}   ${cost.limitedBy}${cost.isGood ? '' : ', MESSAGES MISSING'}`
}
