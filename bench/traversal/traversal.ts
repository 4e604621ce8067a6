/** Measures which pairs of NATs Straightway, HyperDHT and libjuice open directly, and how soon, in one laboratory. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { StraightwayError } from '../../shared/errors.ts'
import { Lab } from '../../test/natlab/lab.ts'
import type { Pair } from '../../test/natlab/matrix.ts'
import { NAT_KINDS } from '../../test/natlab/nat-kinds.ts'
import { missingHere } from '../../test/natlab/needs.ts'
import type { Attempt, Contestant } from './contestant.ts'
import { startHyperdht } from './hyperdht.ts'
import { startLibjuice } from './libjuice.ts'
import { median } from './median.ts'
import { startStraightway } from './straightway.ts'

const OTHERS = fileURLToPath(new URL('../node_modules', import.meta.url))

export interface Score {
  readonly direct: number
  readonly runs: number
  /** Time from the call that connects to the reported direct path; null if no attempt was direct. */
  readonly directMs: { readonly p50: number } | null
  /** Time until a full-size message has made a round trip on the direct path. */
  readonly provenMs: { readonly p50: number } | null
}

export type TraversalResult = {
  readonly a: Pair[0]
  readonly b: Pair[1]
} & Readonly<Record<Contestant['name'], Score>>

/** Measures the pairs. Throws `unavailable` if a prerequisite is missing. `told` is called with the result of each pair. */
export async function benchTraversal(
  pairs: readonly Pair[],
  { runs, delayMs }: { readonly runs: number; readonly delayMs: number },
  told: (result: TraversalResult) => void,
): Promise<readonly TraversalResult[]> {
  const missing = missingHere()
  if (missing !== undefined) throw new StraightwayError('unavailable', `The laboratory ${missing}.`)
  if (!existsSync(OTHERS)) throw new StraightwayError('unavailable', 'First: npm ci --prefix bench')
  const { open } = NAT_KINDS
  await using lab = await Lab.start({ left: open, right: open }, { delayMs })
  await using ours = await startStraightway(lab)
  const contestants = [ours, await startHyperdht(lab), startLibjuice(lab)]
  const results: TraversalResult[] = []
  for (const pair of pairs) {
    const result = await measure(lab, contestants, pair, runs)
    results.push(result)
    told(result)
  }
  return results
}

/**
 * Measures one pair. The systems take turns, so that other work on the machine affects all of them. The first run of each
 * does not count, because its programs are compiled in it.
 */
async function measure(
  lab: Lab,
  contestants: readonly Contestant[],
  [a, b]: Pair,
  runs: number,
): Promise<TraversalResult> {
  lab.rebuild({ left: NAT_KINDS.open, right: NAT_KINDS.open })
  lab.rebuild({ left: NAT_KINDS[a], right: NAT_KINDS[b] })
  const standing = await Promise.all(contestants.map((it) => it.stand()))
  const attempts = contestants.map((): Attempt[] => [])
  for (let run = 0; run <= runs; run++) {
    for (const [i, contestant] of contestants.entries()) {
      const attempt: Attempt = standing[i] ? await contestant.run() : { error: 'not-up' }
      if (run > 0) attempts[i]!.push(attempt)
    }
  }
  const scores = contestants.map(({ name }, i) => [name, scoreOf(attempts[i]!)])
  return { a, b, ...Object.fromEntries(scores) }
}

function scoreOf(attempts: readonly Attempt[]): Score {
  const direct = attempts.filter(({ directMs }) => directMs !== undefined).length
  const [directMs, provenMs] = [
    p50(attempts.map((attempt) => attempt.directMs)),
    p50(attempts.map((attempt) => attempt.provenMs)),
  ]
  return { direct, runs: attempts.length, directMs, provenMs }
}

function p50(times: readonly (number | undefined)[]): { readonly p50: number } | null {
  const known = times.filter((ms) => ms !== undefined)
  return known.length === 0 ? null : { p50: Math.round(median(known) * 10) / 10 }
}
