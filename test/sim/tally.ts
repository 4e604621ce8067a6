/** Combined results of the pairs of a census. Times in milliseconds, shares from 0 to 1. */
import type { BatchOutcome, PairOutcome } from './census.ts'
import type { PopulationName } from './population.ts'
import { combined, counted, type Percentiles, percentiles } from './statistics.ts'

export interface KindPair {
  /** The two kinds in alphabetical order. Which side offered is not recorded. */
  readonly between: string
  readonly direct: number
  readonly relayed: number
}

export interface Tally {
  readonly population: PopulationName
  readonly seed: number
  readonly pairs: number
  /** Share of the pairs that received data in both directions. */
  readonly connected: number
  /** Share of the pairs that were not direct in the end. */
  readonly relayShare: number
  readonly whyNotDirect: Readonly<Record<string, number>>
  /** Number of direct paths by the technique that opened them. */
  readonly techniques: Readonly<Record<string, number>>
  readonly firstByteMs: Percentiles
  readonly directMs: Percentiles
  /** Number of probes for each pair. */
  readonly packets: Percentiles & { readonly mean: number }
  readonly byKind: readonly KindPair[]
  /** Worlds in which a pair was not connected; see `--world`. */
  readonly faults: readonly number[]
  readonly hash: string
}

export function tally(population: PopulationName, seed: number, batches: readonly BatchOutcome[]): Tally {
  const pairs = batches.flatMap((batch) => batch.pairs)
  const relayed = pairs.filter(({ path }) => path !== 'direct')
  const connected = pairs.filter((pair) => pair.connected)
  const packets = pairs.map((pair) => pair.packets)
  return {
    ...{ population, seed, pairs: pairs.length },
    connected: connected.length / pairs.length,
    relayShare: relayed.length / pairs.length,
    whyNotDirect: counted(relayed.map(({ whyNotDirect }) => whyNotDirect ?? 'none')),
    techniques: counted(pairs.flatMap(({ technique }) => technique ?? [])),
    firstByteMs: percentiles(pairs.map(({ firstByteMs }) => firstByteMs)),
    directMs: percentiles(pairs.map(({ directMs }) => directMs)),
    packets: { ...percentiles(packets), mean: packets.reduce((sum, it) => sum + it, 0) / pairs.length },
    byKind: byKind(pairs),
    faults: [...new Set(pairs.flatMap((pair) => (pair.connected ? [] : [pair.world])))],
    hash: combined(batches.map(({ hash }) => hash)),
  }
}

/** Groups the pairs by kind, those with the most relayed pairs first. */
function byKind(pairs: readonly PairOutcome[]): KindPair[] {
  const groups = new Map<string, { direct: number; relayed: number }>()
  for (const { kinds, path } of pairs) {
    const between = [...kinds].sort().join(' - ')
    const group = groups.get(between) ?? { direct: 0, relayed: 0 }
    group[path === 'direct' ? 'direct' : 'relayed']++
    groups.set(between, group)
  }
  return [...groups]
    .map(([between, group]) => ({ between, ...group }))
    .sort((a, b) => b.relayed - a.relayed || b.direct - a.direct || (a.between < b.between ? -1 : 1))
}

export function readableTally(it: Tally): string {
  const rows: (readonly [string, string])[] = [
    ['population', `${it.population}, seed ${it.seed}, ${it.pairs} pairs`],
    ['connected', `${(it.connected * 100).toFixed(2)} %`],
    ['relayed', [`${(it.relayShare * 100).toFixed(2)} %`, ...listed(it.whyNotDirect)].join(', ')],
    ['direct by', listed(it.techniques).join(', ')],
    ['first byte', spread(it.firstByteMs, ' ms')],
    ['direct after', spread(it.directMs, ' ms')],
    ['probes', `${spread(it.packets)}, mean ${it.packets.mean.toFixed(0)}`],
    ['trace', it.hash],
  ]
  const heads = rows.map(([name, value]) => `${name.padEnd(14)}${value}\n`)
  const kinds = it.byKind.map(
    ({ between, direct, relayed }) =>
      `${between.padEnd(46)}${String(direct).padStart(7)}${String(relayed).padStart(9)}\n`,
  )
  const faults = it.faults.map((world) => `not connected in world ${world}\n`)
  return [...heads, ...faults, `\n${'between'.padEnd(46)} direct  relayed\n`, ...kinds].join('')
}

const listed = (counts: Readonly<Record<string, number>>): string[] =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${count} ${name}`)

const spread = ({ p50, p95 }: Percentiles, unit = ''): string =>
  p50 === null || p95 === null ? '-' : `p50 ${Math.round(p50)}${unit}, p95 ${Math.round(p95)}${unit}`
