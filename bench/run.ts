/** `npm run bench -- NAME` runs a benchmark. README.md says what each of them measures, and how. */
import { Command } from 'commander'
import { StraightwayError } from '../shared/errors.ts'
import { addDoors } from './doors/command.ts'
import { addFleet } from './fleet/command.ts'
import { addFunctions } from './functions-command.ts'
import { addIndex } from './index/command.ts'
import { benchKeepAlive, type KeepAliveResult } from './keepalive.ts'
import { addLoad } from './load/command.ts'
import { addMessages } from './messages/command.ts'
import { addMillion } from './million/command.ts'
import { numberFrom } from './number-argument.ts'
import type { Rate } from './rate.ts'
import { addRelay } from './relay/command.ts'
import { addAll } from './results/command.ts'
import { addSeal } from './seal/command.ts'
import { addSignIn } from './signin/command.ts'
import { addStreams } from './streams/command.ts'
import { benchStun, type StunResult } from './stun.ts'
import { addSystem } from './system/command.ts'
import { addTraversal } from './traversal/command.ts'

interface Options {
  readonly json?: true
  readonly seconds: number
}

const secondsArgument = numberFrom(0.1, 3600)

const program = new Command('npm run bench --').description(
  'Measures what a node does beside others of its kind.',
)

program
  .command('stun')
  .description("STUN answers of a node, and of coturn's turnserver, under the same load")
  .option('--json', 'print one JSON value')
  .option('--seconds <n>', 'how long each is measured', secondsArgument, 9)
  .action(async ({ json, seconds }: Options) => {
    const result = await benchStun(seconds)
    console.log(json ? JSON.stringify(result) : stunText(result))
  })

program
  .command('keepalive')
  .description('keep-alives a CHECKPOINT node acknowledges, from peers that are signed in')
  .option('--json', 'print one JSON value')
  .option('--seconds <n>', 'how long it is measured', secondsArgument, 9)
  .action(async ({ json, seconds }: Options) => {
    const result = await benchKeepAlive(seconds)
    console.log(json ? JSON.stringify(result) : keepAliveText(result))
  })

addAll(program)
addDoors(program)
addFleet(program)
addFunctions(program)
addIndex(program)
addLoad(program)
addMessages(program)
addMillion(program)
addRelay(program)
addSeal(program)
addSignIn(program)
addStreams(program)
addSystem(program)
addTraversal(program)

function stunText({ ours, coturn, ratio }: StunResult): string {
  return [
    headText('STUN answers'),
    rateText('straightway', ours),
    rateText('coturn', coturn),
    `straightway / coturn, for a CPU-second: ${ratio.toFixed(2)}`,
  ].join('\n')
}

function keepAliveText({ ours, dgram, ratio, peersPerCore }: KeepAliveResult): string {
  const peers = Math.round(peersPerCore).toLocaleString('en')
  return [
    headText('keep-alives'),
    rateText('straightway', ours),
    rateText('with dgram', dgram),
    `addon / dgram, for a CPU-second: ${ratio.toFixed(2)}`,
    `peers a core can keep: ${peers}`,
  ].join('\n')
}

const headText = (what: string) => `${what.padEnd(21)}a second   a CPU-second   server CPU   load CPU`

function rateText(name: string, rate: Rate): string {
  const whole = (value: number, width: number) => Math.round(value).toLocaleString('en').padStart(width)
  const share = (value: number, width: number) => `${Math.round(value * 100)} %`.padStart(width)
  const shares = share(rate.serverCpu, 13) + share(rate.loadCpu, 11)
  return name.padEnd(17) + whole(rate.answersPerSecond, 12) + whole(rate.perCpuSecond, 15) + shares
}

if (process.argv.length === 2) program.outputHelp()
else {
  await program.parseAsync().catch((error: unknown) => {
    if (!(error instanceof StraightwayError)) throw error
    console.error(error.message)
    process.exitCode = 1
  })
}
