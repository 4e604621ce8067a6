/** `npm run torture`: plays a schedule of faults on a real system, checks its history, and shrinks a schedule that fails. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { judge, type Verdict } from './check/verdict.ts'
import { VIOLATIONS } from './check/violation.ts'
import { type Progress, play } from './conductor.ts'
import type { Entry } from './history.ts'
import { HELP, type Options, parseOptions } from './options.ts'
import { drawSchedule, type Schedule } from './schedule.ts'
import { shrink, sizeOf, without } from './shrink.ts'
import { drawSummary } from './summary.ts'

/** Processes of peers: two for a few peers, four for more. */
const groupsFor = (peers: number): number => (peers < 12 ? 2 : 4)
/** A line of progress this often if stderr is no terminal. */
const TELL_MS = 10_000

process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.stack}\n`)
  return 2
})
process.exit()

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args)
  if (options === undefined) {
    process.stdout.write(HELP)
    return 0
  }
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n\n${HELP}`)
    return 2
  }
  const schedule = scheduleOf(options)
  const folder = resolve(options.keep, `seed-${schedule.seed}-${process.pid}`)
  const { entries, verdict } = await run(schedule, folder, options)
  if (!options.json) process.stdout.write(drawSummary(entries, verdict))
  const kept = verdict.ok && !options.keepAll ? undefined : folder
  if (options.json) process.stdout.write(`${JSON.stringify({ ...figuresOf(verdict), kept })}\n`)
  if (kept === undefined) rmSync(folder, { recursive: true, force: true })
  else tell(`The history is kept in ${folder}`)
  if (!verdict.ok) await shrunk(schedule, { entries, verdict, folder, options })
  return verdict.ok ? 0 : 1
}

function scheduleOf({ replay, only, minutes, seed, nodes, peers, rate }: Options): Schedule {
  const groups = groupsFor(peers)
  const size = { minutes, seed, nodes, rate, groups, peersPerGroup: Math.ceil(peers / groups) }
  const schedule =
    replay === undefined ? drawSchedule(size) : (JSON.parse(readFileSync(replay, 'utf8')) as Schedule)
  return only === undefined ? schedule : without(schedule, ({ kind }) => !only.includes(kind))
}

interface Outcome {
  readonly entries: readonly Entry[]
  readonly verdict: Verdict
}

/** Plays a schedule and checks it. The folder then has the schedule, the history and the verdict. */
async function run(schedule: Schedule, folder: string, options: Options): Promise<Outcome> {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'schedule.json'), JSON.stringify(schedule))
  tell(`seed ${schedule.seed}: ${sizeOf(schedule)}, ${schedule.nodes} nodes`)
  const log = (line: string) => {
    if (options.verbose) tell(line)
    writeFileSync(join(folder, 'log.txt'), `${new Date().toISOString()} ${line}\n`, { flag: 'a' })
  }
  const entries = await play(schedule, { folder, progress: progressTeller(), log })
  const verdict = judge(entries)
  writeFileSync(join(folder, 'verdict.json'), JSON.stringify(verdict, null, 2))
  return { entries, verdict }
}

/** Looks for a smaller schedule that fails, and keeps the smallest. */
async function shrunk(
  schedule: Schedule,
  { entries, verdict, folder, options }: Outcome & { readonly folder: string; readonly options: Options },
): Promise<void> {
  const endsAt = performance.now() + options.shrinkMinutes * 60_000
  const first = verdict.violations[0]!
  const round = entries.filter(({ kind, at }) => kind === 'chaos' && at <= first.at).length - 1
  const kinds = VIOLATIONS.filter((kind) => verdict[kind] > 0)
  let count = 0
  const smallest = await shrink(schedule, Math.max(0, round), {
    mayGoOn: () => performance.now() < endsAt,
    log: tell,
    async fails(candidate) {
      const tried = join(folder, `smaller-${++count}`)
      const outcome = await run(candidate, tried, options)
      const isSame = kinds.some((kind) => outcome.verdict[kind] > 0)
      if (!isSame) rmSync(tried, { recursive: true, force: true })
      return isSame
    },
  })
  const file = join(folder, smallest === schedule ? 'schedule.json' : 'smallest.json')
  writeFileSync(file, JSON.stringify(smallest))
  tell(`Smallest schedule that failed: ${sizeOf(smallest)}\nnpm run torture -- --replay ${file}`)
}

/** The verdict without its list of violations. */
function figuresOf({ violations, ...figures }: Verdict): Omit<Verdict, 'violations'> {
  return figures
}

function progressTeller(): (progress: Progress) => void {
  let toldAt = 0
  return ({ round, of, phase, sent, pending, received }) => {
    const line = `round ${round} of ${of}, ${phase}: ${sent} sent, ${received} arrived, ${pending} under way`
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`)
    else if (performance.now() - toldAt > TELL_MS) {
      toldAt = performance.now()
      tell(line)
    }
  }
}

function tell(line: string): void {
  process.stderr.write(`${process.stderr.isTTY ? '\r\u001b[K' : ''}${line}\n`)
}
