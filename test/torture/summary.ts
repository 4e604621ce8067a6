/** Summary of a run, drawn for a terminal. */
import type { Verdict } from './check/verdict.ts'
import { VIOLATIONS } from './check/violation.ts'
import type { Entry } from './history.ts'

const COLUMNS = 72
const BARS = ' ▁▂▃▄▅▆▇█'
/** Milliseconds a second without the processor beyond which the run says little about the product. */
const TOO_BUSY = 50
const MOST_TOLD = 20

/** Draws arrivals over time, with kills and quiet times below them, and the figures of the verdict. */
export function drawSummary(entries: readonly Entry[], verdict: Verdict): string {
  const figures: [string, string][] = [
    ['messages', `${verdict.sent} sent, ${verdict.acknowledged} acknowledged, ${verdict.received} arrived`],
    ['outcomes', pairs(verdict.outcomes)],
    ['faults', `${verdict.kills} kills, ${verdict.pauses} pauses, ${verdict.faults} others`],
    [
      'examined',
      `${verdict.looks} views of presence, ${verdict.reads} listings and searches, ${verdict.rounds} rounds`,
    ],
    [
      'processor',
      `away for ${verdict.starvedMs} ms of ${verdict.seconds} s${verdict.starvedMs > verdict.seconds * TOO_BUSY ? ': this machine is too busy' : ''}`,
    ],
    ['wrong', pairs(Object.fromEntries(VIOLATIONS.map((kind) => [kind, verdict[kind]])))],
  ]
  return [
    ...drawTime(entries),
    '',
    ...figures.map(([name, value]) => `${name.padEnd(10)}${value}`),
    ...verdict.violations.slice(0, MOST_TOLD).map(({ kind, what }) => `  ${kind}: ${what}`),
    verdict.violations.length > MOST_TOLD ? `  and ${verdict.violations.length - MOST_TOLD} more` : '',
    verdict.ok
      ? `Nothing was wrong in ${verdict.seconds} s.`
      : `Something was wrong in ${verdict.seconds} s.`,
    '',
  ].join('\n')
}

function drawTime(entries: readonly Entry[]): string[] {
  const start = entries[0]?.at ?? 0
  const span = Math.max(1, (entries.at(-1)?.at ?? 0) - start)
  const columnOf = (at: number) => Math.min(COLUMNS - 1, Math.floor(((at - start) / span) * COLUMNS))
  const arrived = new Array<number>(COLUMNS).fill(0)
  const marks = new Array<string>(COLUMNS).fill(' ')
  for (const entry of entries) {
    const column = columnOf(entry.at)
    if (entry.kind === 'received') arrived[column]!++
    else if (entry.kind === 'fault' && entry.act.kind === 'kill-node') marks[column] = 'x'
    else if (entry.kind === 'quiet' && marks[column] === ' ') marks[column] = '|'
  }
  const most = Math.max(1, ...arrived)
  const bar = (count: number) => BARS[Math.ceil((count / most) * (BARS.length - 1))] ?? ' '
  return [
    `arrivals  ${arrived.map(bar).join('')}`,
    `kills     ${marks.join('')}   x a kill, | quiet: everything is examined`,
  ]
}

const pairs = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')
