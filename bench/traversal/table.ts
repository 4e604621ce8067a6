/** What the pairs came to as a table in Markdown, and beside whom we are how fast where both are direct. */
import type { Contestant } from './contestant.ts'
import type { Score, TraversalResult } from './traversal.ts'

type Name = Contestant['name']

const OTHERS = ['hyperdht', 'libjuice'] as const satisfies readonly Name[]
const TITLES: Readonly<Record<Name, string>> = {
  straightway: 'straightway',
  hyperdht: 'HyperDHT',
  libjuice: 'libjuice',
}

export interface Comparison {
  readonly beside: Name
  /** Of those that both open. */
  readonly pairs: number
  /** Over those pairs. */
  readonly medianMs: { readonly ours: number; readonly theirs: number }
  /** Of those that only one of the two opens. */
  readonly only: { readonly ours: number; readonly theirs: number }
}

export function comparisons(results: readonly TraversalResult[]): readonly Comparison[] {
  return OTHERS.map((beside) => {
    const both = results.filter((it) => it.straightway.direct > 0 && it[beside].direct > 0)
    return {
      beside,
      pairs: both.length,
      medianMs: {
        ours: median(both.map(({ straightway }) => straightway.directMs!.p50)),
        theirs: median(both.map((it) => it[beside].directMs!.p50)),
      },
      only: {
        ours: results.filter((it) => it.straightway.direct > 0 && it[beside].direct === 0).length,
        theirs: results.filter((it) => it.straightway.direct === 0 && it[beside].direct > 0).length,
      },
    }
  })
}

export function tableOf(results: readonly TraversalResult[]): string {
  const names: readonly Name[] = ['straightway', ...OTHERS]
  const rows = results.map((it) => [`\`${it.a}\` to \`${it.b}\``, ...names.map((name) => cellOf(it[name]))])
  const head = ['pair', ...names.map((name) => TITLES[name])]
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return [...lines, '', ...comparisons(results).map(sentenceOf)].join('\n')
}

/** `3/3, 12 ms`. */
export function cellOf({ direct, runs, directMs }: Score): string {
  return `${direct}/${runs}${directMs === null ? '' : `, ${directMs.p50} ms`}`
}

function sentenceOf({ beside, pairs, medianMs, only }: Comparison): string {
  const alone = `only we open ${only.ours}, only it ${only.theirs}`
  return `Beside ${TITLES[beside]}: ${pairs} pairs open to both, median ${medianMs.ours} ms and ${medianMs.theirs} ms; ${alone}.`
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.ceil(sorted.length / 2) - 1] ?? 0
}
