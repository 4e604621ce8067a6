/** The results of the pairs as a Markdown table, and a comparison of times for pairs that both systems open directly. */
import type { Contestant } from './contestant.ts'
import { median } from './median.ts'
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
  /** Number of pairs that both systems open. */
  readonly pairs: number
  /** Median time over these pairs until each system reports a direct path. */
  readonly directMs: { readonly ours: number; readonly theirs: number }
  /** Median time over these pairs until a full-size message has made a round trip on the direct path. */
  readonly provenMs: { readonly ours: number; readonly theirs: number }
  /** Number of pairs that only one of the two opens. */
  readonly only: { readonly ours: number; readonly theirs: number }
}

export function comparisons(results: readonly TraversalResult[]): readonly Comparison[] {
  return OTHERS.map((beside) => {
    const both = results.filter((it) => it.straightway.direct > 0 && it[beside].direct > 0)
    const over = (name: Name, what: 'directMs' | 'provenMs') =>
      Math.round(median(both.map((it) => it[name][what]?.p50 ?? Number.POSITIVE_INFINITY)) * 10) / 10
    return {
      beside,
      pairs: both.length,
      directMs: { ours: over('straightway', 'directMs'), theirs: over(beside, 'directMs') },
      provenMs: { ours: over('straightway', 'provenMs'), theirs: over(beside, 'provenMs') },
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

/** `3/3, 12 (15) ms`: the reported time, and the time of a round trip in brackets unless both are equal. */
export function cellOf({ direct, runs, directMs, provenMs }: Score): string {
  if (directMs === null) return `${direct}/${runs}`
  const proven = provenMs?.p50 === directMs.p50 ? '' : ` (${provenMs?.p50.toFixed() ?? '-'})`
  return `${direct}/${runs}, ${directMs.p50.toFixed()}${proven} ms`
}

function sentenceOf({ beside, pairs, directMs, provenMs, only }: Comparison): string {
  const own = `until direct by its own account ${directMs.ours} ms and ${directMs.theirs} ms`
  const proven = `until a message was there and back ${provenMs.ours} ms and ${provenMs.theirs} ms`
  return `Beside ${TITLES[beside]}: ${pairs} pairs open to both. Medians, ours first: ${own}; ${proven}. Only we open ${only.ours}, only it ${only.theirs}.`
}
