/**
 * A schedule: everything that the torture does to a system, and when, as plain data from one seed. A run is a number of rounds.
 * Each round has a chaotic time with faults, then a quiet time in which nothing fails and everything is examined.
 */
import { Dice } from '../sim/dice.ts'

/** A fault or a change. `at` and `ms` are milliseconds: since the start of the chaos of its round, and its duration. */
export type Act = { readonly at: number } & (
  | { readonly kind: 'kill-node'; readonly node: number }
  | { readonly kind: 'pause-node'; readonly node: number; readonly ms: number }
  | { readonly kind: 'pause-peers'; readonly group: number; readonly ms: number }
  | { readonly kind: 'drop-gateway'; readonly node: number; readonly ms: number }
  | { readonly kind: 'stall-gateway'; readonly node: number; readonly ms: number }
  | {
      readonly kind: 'tables'
      readonly of: 'nodes' | 'functions'
      readonly fault: TableFault
      readonly share: number
      readonly ms: number
    }
  | { readonly kind: 'part-nodes'; readonly node: number; readonly other: number; readonly ms: number }
  | { readonly kind: 'part-peers'; readonly group: number; readonly what: 'udp' | 'all'; readonly ms: number }
  | { readonly kind: 'lose-datagrams'; readonly group: number; readonly share: number; readonly ms: number }
  | { readonly kind: 'rebind'; readonly group: number }
  | { readonly kind: 'clock-node'; readonly node: number; readonly aheadMs: number; readonly ms: number }
  | { readonly kind: 'clock-peers'; readonly group: number; readonly aheadMs: number; readonly ms: number }
  | { readonly kind: 'restart-peer'; readonly peer: number; readonly ms: number }
  | { readonly kind: 'member'; readonly user: number; readonly network: number; readonly joins: boolean }
  | { readonly kind: 'object'; readonly object: number; readonly level: number }
)

/**
 * How DynamoDB fails: throttled, a conflict with another transaction, an internal error, an answer that is lost although the
 * request took effect, or an answer that is late.
 */
export type TableFault = 'throttle' | 'conflict' | 'error' | 'lost-answer' | 'late'
export const TABLE_FAULTS: readonly TableFault[] = ['throttle', 'conflict', 'error', 'lost-answer', 'late']

export interface Round {
  readonly chaosMs: number
  readonly acts: readonly Act[]
  /** Peers that leave at the end of the quiet time and stay away during the first part of the next round. */
  readonly leavers: readonly number[]
  /** A user that blocks another one during the chaos; undefined if nobody does. */
  readonly block?: { readonly user: number; readonly blocked: number }
}

export interface Schedule {
  readonly seed: number
  readonly nodes: number
  readonly groups: number
  readonly peersPerGroup: number
  /** Messages per second of all peers together. */
  readonly rate: number
  readonly rounds: readonly Round[]
}

/** Networks besides the one that all users share. */
export const NETWORKS = 3
export const OBJECTS = 40
export const LEVELS = 8
const CHAOS_MS = 48_000
/** Time of a round that is not chaos: twice ten seconds until presence is examined, and what examining takes. */
export const QUIET_MS = 24_000
/** Every fault is over this long before the quiet time begins. */
const CALM_MS = 500
/** Kills in one chaotic time. */
const KILLS = 7

/** Users own two peers each. Peer `p` belongs to user `p % usersOf`. */
export const usersOf = ({ groups, peersPerGroup }: Pick<Schedule, 'groups' | 'peersPerGroup'>): number =>
  Math.max(2, Math.floor((groups * peersPerGroup) / 2))

export const peersOf = ({ groups, peersPerGroup }: Pick<Schedule, 'groups' | 'peersPerGroup'>): number =>
  groups * peersPerGroup

export const groupOf = (peer: number, { peersPerGroup }: Pick<Schedule, 'peersPerGroup'>): number =>
  Math.floor(peer / peersPerGroup)

export interface Size extends Pick<Schedule, 'seed' | 'nodes' | 'groups' | 'peersPerGroup' | 'rate'> {
  readonly minutes: number
}

/** Draws a schedule. The same size and seed give the same schedule. */
export function drawSchedule({ minutes, ...size }: Size): Schedule {
  const rounds = Math.max(1, Math.round((minutes * 60_000) / (CHAOS_MS + QUIET_MS)))
  const chaosMs = Math.max(10_000, Math.floor((minutes * 60_000) / rounds) - QUIET_MS)
  const dice = new Dice(`torture ${size.seed}`)
  return {
    ...size,
    rounds: Array.from({ length: rounds }, (_, i) => drawRound(dice.fork(`round ${i}`), size, chaosMs)),
  }
}

function drawRound(dice: Dice, size: Omit<Size, 'minutes'>, chaosMs: number): Round {
  const acts = [
    ...evenly(dice.fork('kills'), KILLS, chaosMs).map((at): Act => {
      return { at, kind: 'kill-node', node: dice.below(size.nodes) }
    }),
    ...evenly(dice.fork('faults'), Math.round(chaosMs / 1_200), chaosMs).map((at) =>
      drawFault(dice, size, at, chaosMs),
    ),
    ...evenly(dice.fork('writes'), Math.round(chaosMs / 1_000), chaosMs).map((at) =>
      drawWrite(dice, size, at),
    ),
  ]
  const [user = 0, blocked = 1] = dice.shuffled(Array.from({ length: usersOf(size) }, (_, i) => i))
  const peers = dice.shuffled(Array.from({ length: peersOf(size) }, (_, i) => i))
  return {
    chaosMs,
    acts: acts.sort((a, b) => a.at - b.at),
    leavers: peers.slice(0, Math.max(1, Math.floor(peers.length / 10))),
    block: { user, blocked },
  }
}

/** Times spread over the chaos, one in each of `count` equal parts. */
function evenly(dice: Dice, count: number, chaosMs: number): number[] {
  const part = (chaosMs - CALM_MS) / count
  return Array.from({ length: count }, (_, i) => Math.floor((i + dice.float()) * part))
}

type Draw = (dice: Dice, size: Omit<Size, 'minutes'>, at: number, leftMs: number) => Act

const upTo = (dice: Dice, low: number, high: number, leftMs: number): number =>
  Math.max(200, Math.min(dice.between(low, high), leftMs - CALM_MS))
const node = (dice: Dice, { nodes }: Pick<Size, 'nodes'>): number => dice.below(nodes)
const group = (dice: Dice, { groups }: Pick<Size, 'groups'>): number => dice.below(groups)

/** Every kind of fault as often as it is listed. */
const FAULTS: readonly Draw[] = [
  (d, s, at, left) => ({ at, kind: 'pause-node', node: node(d, s), ms: upTo(d, 200, 9_000, left) }),
  (d, s, at, left) => ({ at, kind: 'pause-node', node: node(d, s), ms: upTo(d, 200, 2_000, left) }),
  (d, s, at, left) => ({ at, kind: 'pause-peers', group: group(d, s), ms: upTo(d, 200, 6_000, left) }),
  (d, s, at, left) => ({ at, kind: 'drop-gateway', node: node(d, s), ms: upTo(d, 1, 4_000, left) }),
  (d, s, at, left) => ({ at, kind: 'drop-gateway', node: node(d, s), ms: upTo(d, 1, 100, left) }),
  (d, s, at, left) => ({ at, kind: 'stall-gateway', node: node(d, s), ms: upTo(d, 500, 8_000, left) }),
  (d, _, at, left) => drawTables(d, at, 'nodes', left),
  (d, _, at, left) => drawTables(d, at, 'nodes', left),
  (d, _, at, left) => drawTables(d, at, 'functions', left),
  (d, _, at, left) => drawTables(d, at, 'functions', left),
  (d, s, at, left) => {
    const one = node(d, s)
    const other = (one + 1 + d.below(s.nodes - 1)) % s.nodes
    return { at, kind: 'part-nodes', node: one, other, ms: upTo(d, 500, 10_000, left) }
  },
  (d, s, at, left) => ({
    at,
    kind: 'part-peers',
    group: group(d, s),
    what: 'all',
    ms: upTo(d, 500, 8_000, left),
  }),
  (d, s, at, left) => ({
    at,
    kind: 'part-peers',
    group: group(d, s),
    what: 'udp',
    ms: upTo(d, 500, 15_000, left),
  }),
  (d, s, at, left) => {
    const share = d.between(2, 30) / 100
    return { at, kind: 'lose-datagrams', group: group(d, s), share, ms: upTo(d, 1_000, 10_000, left) }
  },
  (d, s, at) => ({ at, kind: 'rebind', group: group(d, s) }),
  (d, s, at, left) => {
    const aheadMs = d.pick([-8_000, -3_000, 3_000, 8_000])
    return { at, kind: 'clock-node', node: node(d, s), aheadMs, ms: upTo(d, 2_000, 15_000, left) }
  },
  (d, s, at, left) => {
    const aheadMs = d.pick([-86_400_000, -600_000, -20_000, 20_000, 600_000, 86_400_000])
    return { at, kind: 'clock-peers', group: group(d, s), aheadMs, ms: upTo(d, 2_000, 15_000, left) }
  },
  (d, s, at, left) => ({ at, kind: 'restart-peer', peer: d.below(peersOf(s)), ms: upTo(d, 1, 6_000, left) }),
  (d, s, at, left) => ({ at, kind: 'restart-peer', peer: d.below(peersOf(s)), ms: upTo(d, 1, 300, left) }),
]

function drawFault(dice: Dice, size: Omit<Size, 'minutes'>, at: number, chaosMs: number): Act {
  return dice.pick(FAULTS)(dice, size, at, chaosMs - at)
}

function drawTables(dice: Dice, at: number, of: 'nodes' | 'functions', leftMs: number): Act {
  const fault = dice.pick(TABLE_FAULTS)
  return {
    at,
    kind: 'tables',
    of,
    fault,
    share: dice.pick([0.1, 0.3, 0.6, 1]),
    ms: upTo(dice, 300, 5_000, leftMs),
  }
}

function drawWrite(dice: Dice, size: Omit<Size, 'minutes'>, at: number): Act {
  if (dice.chance(0.7)) return { at, kind: 'object', object: dice.below(OBJECTS), level: dice.below(LEVELS) }
  const [user, network] = [dice.below(usersOf(size)), dice.below(NETWORKS)]
  return { at, kind: 'member', user, network, joins: dice.chance(0.5) }
}
