/** The options of `npm run torture`. */
import { parseArgs } from 'node:util'

export const HELP = `npm run torture -- [options]

Runs real nodes and real peers on the embedded system, under kills, pauses, partitions, failing tables, dropped gateway
connections and clock jumps. Then a checker that shares no code with the product examines the history of the run.

  --minutes N     how long, without start and end (default 2)
  --seed N        of the schedule (default 1)
  --nodes N       2 to 4 (default 3)
  --peers N       in all (default 24)
  --rate N        messages per second, of all peers together (default 100)
  --replay FILE   a schedule.json that a failing run kept, instead of --minutes, --seed, --nodes, --peers and --rate
  --only KINDS    faults and changes of these kinds only, separated by commas
  --shrink N      minutes to spend on a smaller schedule that fails, too (default 10; 0 for none)
  --keep DIR      where the folders of runs go (default: torture-runs). A run without fault leaves nothing
  --keep-all      keeps the history of a run without fault, too
  --json          prints one JSON value with the figures
  --verbose       what nodes and the system report, on stderr
  --help          this

The exit code is 0 if nothing was wrong, 1 if something was, 2 if the options are not understood or the system could not
be started.
`

export interface Options {
  readonly minutes: number
  readonly seed: number
  readonly nodes: number
  readonly peers: number
  readonly rate: number
  readonly replay: string | undefined
  readonly only: readonly string[] | undefined
  readonly shrinkMinutes: number
  readonly keep: string
  readonly keepAll: boolean
  readonly json: boolean
  readonly verbose: boolean
}

/** Parses the options. Undefined if help is wanted; a text if an option is wrong. */
export function parseOptions(args: readonly string[]): Options | string | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string', default: '2' },
        seed: { type: 'string', default: '1' },
        nodes: { type: 'string', default: '3' },
        peers: { type: 'string', default: '24' },
        rate: { type: 'string', default: '100' },
        replay: { type: 'string' },
        only: { type: 'string' },
        shrink: { type: 'string', default: '10' },
        keep: { type: 'string', default: 'torture-runs' },
        'keep-all': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return undefined
    const { replay, only, keep, json, verbose } = values
    const options = {
      minutes: Number(values.minutes),
      seed: Number(values.seed),
      nodes: Number(values.nodes),
      peers: Number(values.peers),
      rate: Number(values.rate),
      shrinkMinutes: Number(values.shrink),
      only: only?.split(','),
      keepAll: values['keep-all'],
      ...{ replay, keep, json, verbose },
    }
    return wrongOf(options) ?? options
  } catch (error) {
    return (error as Error).message
  }
}

function wrongOf({ minutes, seed, nodes, peers, rate, shrinkMinutes }: Options): string | undefined {
  if (!(minutes > 0)) return '--minutes takes a number above 0'
  if (!Number.isSafeInteger(seed) || seed < 0) return '--seed takes a whole number'
  if (![2, 3, 4].includes(nodes)) return '--nodes takes 2, 3 or 4'
  if (!Number.isSafeInteger(peers) || peers < 4 || peers > 200)
    return '--peers takes a whole number from 4 to 200'
  if (!(rate > 0)) return '--rate takes a number above 0'
  if (!(shrinkMinutes >= 0)) return '--shrink takes a number of minutes'
  return undefined
}
