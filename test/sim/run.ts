/**
 * `npm run sim`: plays random scenarios, pairs of a population, or hours in the life of thousands of peers, in the simulated world,
 * and prints the combined results.
 */
import { parseArgs } from 'node:util'
import { BATCH, type BatchOutcome, batchesOf, playBatch } from './census.ts'
import { Dice } from './dice.ts'
import { type LongOutcome, playLong } from './long.ts'
import { POPULATIONS, type PopulationName } from './population.ts'
import { SCENARIOS, type ScenarioName } from './scenarios.ts'
import { complaint, type RunOutcome, runOnce, type Summary, summarise } from './statistics.ts'
import { readableTally, tally } from './tally.ts'

const NAMES = Object.keys(SCENARIOS) as ScenarioName[]
const PEOPLES = Object.keys(POPULATIONS) as PopulationName[]

const HELP = `npm run sim -- [options]

Plays random scenarios in a seeded world of peers, nodes, NATs and bad links, and checks after each that no acknowledged
message was lost or doubled, each sender's order was kept, nobody heard of strangers, and every tunnel carried data.

Or, with --population, has pairs of peers meet as they do in the field (test/sim/population.ts names its sources), and tells
how many became direct, how, and how soon.

Or, with --hours, has many peers live that long, in a fleet whose nodes die, with lines that lose 2 % of all datagrams. At the end
of each hour it compares what everybody sees and has received with the truth, and measures the memory in use.

  --seed N            of the first run; run i has seed N + i (default 1)
  --runs N            how many (default 100)
  --scenario NAME     ${NAMES.join(', ')} (default: each run draws one)
  --population NAME   ${PEOPLES.join(', ')}
  --pairs N           of the population (default 1000)
  --world N           of the population, this world alone: where something was wrong, it is named
  --hours N           a long run, of so many simulated hours
  --peers N           of a long run (default 300)
  --json              the summary as one line of JSON
  --verbose           with one run or one world: everything that happens in it, on stderr
  --help              this

The same seed on the same code gives the same hash. When a run fails, its seed and the command that repeats it are printed
and the exit code is 1, as when a pair could not be connected or memory grew by more than
10 % after the first hour; 2 when the options are not understood.
`

interface Options {
  readonly seed: number
  readonly runs: number
  readonly scenario: ScenarioName | undefined
  readonly population: PopulationName | undefined
  readonly pairs: number
  readonly world: number | undefined
  readonly hours: number | undefined
  readonly peers: number
  readonly json: boolean
  readonly verbose: boolean
}

function main(args: readonly string[]): number {
  const options = optionsOf(args)
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n\n${HELP}`)
    return 2
  }
  if (options === undefined) {
    process.stdout.write(HELP)
    return 0
  }
  if (options.hours !== undefined) return playHours(options.hours, options)
  return options.population === undefined
    ? playScenarios(options)
    : playPopulation(options.population, options)
}

function playScenarios(options: Options): number {
  const outcomes = play(options)
  const summary = summarise(outcomes)
  process.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : readable(summary))
  return summary.success === 1 ? 0 : 1
}

function playPopulation(name: PopulationName, { seed, pairs, world, json, verbose }: Options): number {
  const batches = world === undefined ? batchesOf(seed, pairs) : [{ world, count: Math.min(pairs, BATCH) }]
  const outcomes: BatchOutcome[] = []
  let done = 0
  for (const { world, count } of batches) {
    outcomes.push(playBatch(name, world, count, verbose && batches.length === 1 ? tell : undefined))
    done += count
    progress(done, pairs, 'pairs')
  }
  const result = tally(name, seed, outcomes)
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : readableTally(result))
  return result.connected === 1 ? 0 : 1
}

function playHours(hours: number, { seed, peers, json }: Options): number {
  const outcome = playLong({ seed, hours, peers, tell })
  process.stdout.write(json ? `${JSON.stringify(outcome)}\n` : readableHours(outcome))
  return outcome.ok ? 0 : 1
}

function play({ seed, runs, scenario, verbose }: Options): RunOutcome[] {
  const outcomes: RunOutcome[] = []
  for (let i = 0; i < runs; i++) {
    const name = scenario ?? new Dice(`scenario ${seed + i}`).pick(NAMES)
    const outcome = runOnce(name, seed + i, verbose && runs === 1 ? tell : undefined)
    outcomes.push(outcome)
    if (outcome.violations.length > 0) tell(complaint(outcome))
    progress(i + 1, runs, 'runs')
  }
  return outcomes
}

function progress(done: number, of: number, what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${of} ${what}${done === of ? '\n' : ''}`)
  else if (done % Math.max(50, of / 20) === 0 || done === of) tell(`${done} of ${of} ${what}`)
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`)
}

function readableHours({
  hours,
  peers,
  nodes,
  messages,
  deeds,
  memory,
  first,
  ...rest
}: LongOutcome): string {
  const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`
  const rows: [string, string][] = [
    ['lived', `${peers} peers and ${nodes} nodes for ${hours} h, in ${rest.seconds} s`],
    [
      'messages',
      `${messages.sent} sent, ${messages.acknowledged} acknowledged, ${messages.delivered} delivered`,
    ],
    [
      'deeds',
      Object.entries({ ...deeds, nodesEnded: rest.nodesEnded })
        .map(([deed, count]) => `${count} ${deed}`)
        .join(', '),
    ],
    ['compared', `${rest.looks} views`],
    ['wrong', [`${rest.violations}`, ...first].join('\n')],
    ['memory', `${megabytes(memory.firstHour)} after an hour, ${megabytes(memory.end)} at the end`],
    ['trace', rest.hash],
  ]
  return rows.map(([name, value]) => `${name.padEnd(14)}${value}\n`).join('')
}

function readable(summary: Summary): string {
  const { runs, success, tunnels, relayShare, whyNotDirect, firstByteMs, directMs, messages, hash } = summary
  const reasons = Object.entries(whyNotDirect).map(([why, count]) => `${count} ${why}`)
  const rows: [string, string][] = [
    ['runs', `${runs}, ${percent(success)} without fault`],
    ['tunnels', String(tunnels)],
    ['on a relay', relayShare === null ? '-' : [percent(relayShare), ...reasons].join(', ')],
    ['first byte', `p50 ${rounded(firstByteMs.p50)}, p95 ${rounded(firstByteMs.p95)}`],
    ['direct after', `p50 ${rounded(directMs.p50)}, p95 ${rounded(directMs.p95)}`],
    ['messages', `${messages.sent} sent, ${messages.delivered} delivered`],
    ['trace', hash],
  ]
  return rows.map(([name, value]) => `${name.padEnd(14)}${value}\n`).join('')
}

/** Parses the options. Undefined if help was asked for; a text if an option is wrong. */
function optionsOf(args: readonly string[]): Options | string | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string', default: '1' },
        runs: { type: 'string', default: '100' },
        scenario: { type: 'string' },
        population: { type: 'string' },
        pairs: { type: 'string', default: '1000' },
        world: { type: 'string' },
        hours: { type: 'string' },
        peers: { type: 'string', default: '300' },
        json: { type: 'boolean', default: false },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    return values.help ? undefined : checked(values)
  } catch (error) {
    return (error as Error).message
  }
}

function checked(values: {
  readonly seed: string
  readonly runs: string
  readonly scenario?: string
  readonly population?: string
  readonly pairs: string
  readonly world?: string
  readonly hours?: string
  readonly peers: string
  readonly json: boolean
  readonly verbose: boolean
}): Options | string {
  const [seed, runs] = [Number(values.seed), Number(values.runs)]
  if (!Number.isSafeInteger(seed) || seed < 0) return '--seed takes a whole number'
  if (!Number.isSafeInteger(runs) || runs < 1) return '--runs takes a whole number from 1 on'
  const scenario = NAMES.find((name) => name === values.scenario)
  if (values.scenario !== undefined && scenario === undefined)
    return `--scenario takes one of ${NAMES.join(', ')}`
  const population = PEOPLES.find((name) => name === values.population)
  if (values.population !== undefined && population === undefined)
    return `--population takes one of ${PEOPLES.join(', ')}`
  const [pairs, world] = [Number(values.pairs), values.world === undefined ? undefined : Number(values.world)]
  if (!Number.isSafeInteger(pairs) || pairs < 1) return '--pairs takes a whole number from 1 on'
  if (world !== undefined && !Number.isSafeInteger(world)) return '--world takes a whole number'
  const [hours, peers] = [values.hours === undefined ? undefined : Number(values.hours), Number(values.peers)]
  if (hours !== undefined && !(Number.isSafeInteger(hours) && hours >= 1))
    return '--hours takes a whole number from 1 on'
  if (!Number.isSafeInteger(peers) || peers < 2) return '--peers takes a whole number from 2 on'
  return {
    seed,
    runs,
    scenario,
    population,
    pairs,
    world,
    hours,
    peers,
    json: values.json,
    verbose: values.verbose,
  }
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
const rounded = (ms: number | null): string => (ms === null ? '-' : `${Math.round(ms)} ms`)

process.exitCode = main(process.argv.slice(2))
