/** The pairs of NAT kinds that are tried, and the results of each. */
import { type KindName, NAT_KINDS } from './nat-kinds.ts'

export type Pair = readonly [a: KindName, b: KindName]

/** Kinds that the populations of real networks consist of. */
const CORE = [
  'open',
  'full-cone',
  'address-restricted',
  'port-restricted',
  'port-restricted-reject',
  'symmetric-sequential',
  'symmetric-block',
  'symmetric-random',
  'cgn-random',
  'ipv6-firewall',
  'upnp',
  'udp-blocked',
] as const satisfies readonly KindName[]

/** Kinds that all others are tried against: the easy and the hard case. */
const AGAINST = ['port-restricted', 'symmetric-random'] as const satisfies readonly KindName[]

export type MatrixName = 'core' | 'rest'

export function pairsOf(matrix: MatrixName): readonly Pair[] {
  if (matrix === 'core') return CORE.flatMap((a) => CORE.map((b): Pair => [a, b]))
  const rest = (Object.keys(NAT_KINDS) as KindName[]).filter(
    (name) => !(CORE as readonly string[]).includes(name),
  )
  const single = rest.filter((name) => !isHousehold(name))
  const households = rest.filter(isHousehold).map((name): Pair => [name, name])
  const there = single.flatMap((a) => AGAINST.map((b): Pair => [a, b]))
  const back = AGAINST.flatMap((a) => single.map((b): Pair => [a, b]))
  return [...there, ...back, ...households]
}

/** Parses `a:b,c:d`. Throws a description of the error. */
export function parsePairs(text: string): readonly Pair[] {
  return text.split(',').map((pair) => {
    const [a, b, ...more] = pair.split(':').map(kindOf)
    if (a === undefined || b === undefined || more.length > 0)
      throw new Error(`${pair} is not a pair: write for example open:port-restricted`)
    if ((isHousehold(a) || isHousehold(b)) && a !== b)
      throw new Error(`${pair}: both peers are behind one router, so write ${a}:${a}`)
    return [a, b]
  })
}

function kindOf(name: string): KindName {
  if (name in NAT_KINDS) return name as KindName
  throw new Error(`There is no kind ${name}. There are ${Object.keys(NAT_KINDS).join(', ')}.`)
}

const isHousehold = (name: KindName): boolean => 'household' in NAT_KINDS[name]

/** One tunnel, as reported by the peer. */
export interface Run {
  readonly path?: 'direct' | 'relayed'
  readonly firstByteMs?: number
  readonly directMs?: number
  readonly technique?: string
  readonly packets?: number
  /** Number of the three datagrams that did not come back. */
  readonly lost?: number
  readonly whyNotDirect?: string
  /** Set if there was no tunnel. */
  readonly error?: string
}

export interface Percentiles {
  readonly p50: number
  readonly p95: number
}

/** Results of all runs of a pair. Times and packets are taken from the runs that have them. */
export interface Cell {
  readonly a: KindName
  readonly b: KindName
  readonly runs: number
  readonly direct: number
  readonly relayed: number
  readonly failed: number
  readonly firstByteMs: Percentiles | null
  readonly directMs: Percentiles | null
  /** Probes sent by the peer that asked, on average. */
  readonly packets: number | null
  /** The technique behind most of the direct runs. */
  readonly technique: string | null
  /** The most common reason of the other runs. */
  readonly why: string | null
}

export function cellOf([a, b]: Pair, runs: readonly Run[]): Cell {
  const direct = runs.filter(({ path }) => path === 'direct')
  const failed = runs.filter(({ path, error }) => path === undefined || error !== undefined)
  const packets = known(runs.map((run) => run.packets))
  return {
    a,
    b,
    runs: runs.length,
    direct: direct.length,
    relayed: runs.length - direct.length - failed.length,
    failed: failed.length,
    firstByteMs: percentiles(known(runs.map(({ firstByteMs }) => firstByteMs))),
    directMs: percentiles(known(direct.map(({ directMs }) => directMs))),
    packets:
      packets.length === 0 ? null : Math.round(packets.reduce((sum, it) => sum + it, 0) / packets.length),
    technique: commonest(known(direct.map(({ technique }) => technique))),
    why: commonest(known(runs.map(({ whyNotDirect, error }) => error ?? whyNotDirect))),
  }
}

const known = <T>(values: readonly (T | undefined)[]): readonly T[] =>
  values.filter((value) => value !== undefined)

function percentiles(values: readonly number[]): Percentiles | null {
  if (values.length === 0) return null
  const sorted = values.toSorted((one, other) => one - other)
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1]!
  return { p50: at(0.5), p95: at(0.95) }
}

function commonest(values: readonly string[]): string | null {
  const counts = Map.groupBy(values, (value) => value)
  const sorted = [...counts].sort(([, one], [, other]) => other.length - one.length)
  return sorted[0]?.[0] ?? null
}
