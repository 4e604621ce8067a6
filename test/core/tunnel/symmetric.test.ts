import { describe, expect, test } from 'vitest'
import type { SiteSetting } from '../../sim/internet.ts'
import type { NatBehaviour } from '../../sim/nat.ts'
import { NAT_KINDS } from '../../sim/nat-kinds.ts'
import { Meeting, type MeetingSetting } from './meeting.ts'

const SEEDS = 30
const EASY = NAT_KINDS['port-restricted']
const COUNTING = NAT_KINDS['symmetric-sequential']
const BUSY = NAT_KINDS['symmetric-busy']
const CHUNK = NAT_KINDS['symmetric-chunk']
const BY_TWO: NatBehaviour = { ...COUNTING, allocation: { ...COUNTING.allocation, step: 2 } }
const KEEPING = NAT_KINDS['symmetric-preserving']
const BLOCK = NAT_KINDS['symmetric-block']
const SHARED = NAT_KINDS['symmetric-block-overloading']
const RANDOM = NAT_KINDS['symmetric-random']

interface Trial {
  readonly rate: number
  /** 95th percentile of the runs that became direct, in milliseconds. */
  readonly p95Ms: number
}

interface Setting extends Omit<MeetingSetting, 'sites' | 'seed'> {
  /** Default 9 s. */
  readonly withinMs?: number
  /** Runs before the meeting; `hard` is the number of the hard site. */
  readonly before?: (meeting: Meeting, hard: 0 | 1) => void
}

/** Runs trials, half of them in either direction. */
function trial(
  hard: SiteSetting,
  other: SiteSetting,
  { before, withinMs = 9000, ...setting }: Setting = {},
): Trial {
  const times: number[] = []
  for (let seed = 1; seed <= SEEDS; seed++) {
    const [sites, at] = seed % 2 === 0 ? ([[hard, other], 0] as const) : ([[other, hard], 1] as const)
    const meeting = new Meeting({ sites, ...setting, seed })
    before?.(meeting, at)
    const ms = meeting.meet().untilBoth('direct', withinMs)
    if (Number.isFinite(ms)) times.push(ms)
  }
  times.sort((a, b) => a - b)
  return { rate: times.length / SEEDS, p95Ms: times[Math.ceil(times.length * 0.95) - 1] ?? 0 }
}

/** Makes another host behind the same router open `flowsPerSecond` flows a second. */
const neighbour =
  (flowsPerSecond: number) =>
  ({ world, sites, nodes }: Meeting, hard: 0 | 1): void => {
    const host = sites[hard].host('neighbour')
    const socket = host.open(() => {})
    const flow = (n: number): void => {
      host.send(socket, { ip: nodes[0]!.ips[0]!, port: 10_000 + n }, new Uint8Array(8), 0)
      world.after(1000 / flowsPerSecond, () => flow(n + 1))
    }
    flow(0)
  }

describe('a symmetric NAT is opened', () => {
  test.each([
    ['counting by one, from a port-restricted one', COUNTING, EASY, 0.95, 2000],
    ['counting by two, from a port-restricted one', BY_TWO, EASY, 0.95, 2000],
    ['keeping the port of the first destination', KEEPING, EASY, 0.95, 2000],
    ['giving ports out of a small block', BLOCK, EASY, 0.95, 3000],
    ['giving any port', RANDOM, EASY, 0.95, 5000],
    ['giving any port to each address', NAT_KINDS['carrier-absolute'], EASY, 0.95, 5000],
    ['counting, from another one that counts', COUNTING, BY_TWO, 0.8, 3000],
    ['counting, while others take its ports, from a port-restricted one', BUSY, EASY, 0.95, 3000],
    ['counting, while others take its ports, from another such one', BUSY, BUSY, 0.8, 3000],
    ['overloading a small block, from another such one', SHARED, SHARED, 0.8, 9000],
    ['overloading a small block, from one that counts', SHARED, COUNTING, 0.8, 9000],
    ['overloading a small block, from one that counts while others take its ports', SHARED, BUSY, 0.8, 9000],
    ['overloading a small block, from one with a large block', SHARED, CHUNK, 0.8, 9000],
  ] as const)('%s, in either direction', (_name, hard, other, least, withinMs) => {
    const { rate, p95Ms } = trial({ nat: hard }, { nat: other })
    expect(rate).toBeGreaterThanOrEqual(least)
    expect(p95Ms).toBeLessThan(withinMs)
  })

  test.each([
    ['that counts', BUSY],
    ['with another such block', CHUNK],
  ])('%s, from one with a block of 4,096 ports, once in three attempts', (_name, nat) => {
    const { rate } = trial({ nat }, { nat: CHUNK }, { withinMs: 20_000 })
    expect(rate).toBeGreaterThan(0.2)
  })

  test('of a carrier, behind the router of a home', () => {
    const { rate, p95Ms } = trial({ nat: EASY, carrier: RANDOM }, { nat: EASY })
    expect(rate).toBeGreaterThanOrEqual(0.95)
    expect(p95Ms).toBeLessThan(5000)
  })

  test('that counts, while neighbours open flows too', () => {
    expect(trial({ nat: COUNTING }, { nat: EASY }, { before: neighbour(50) }).rate).toBeGreaterThanOrEqual(
      0.95,
    )
    expect(
      trial({ nat: COUNTING }, { nat: COUNTING }, { before: neighbour(20) }).rate,
    ).toBeGreaterThanOrEqual(0.8)
  })
})

/** Records when packets left a host of the site, and their destinations. */
function sentFrom({ world, hosts }: Meeting, leg: 0 | 1): { readonly at: number; readonly to: string }[] {
  const sent: { at: number; to: string }[] = []
  world.trace.tell = (line) => {
    const [at, what, from, to] = line.split(' ')
    if (what === 'sent' && from!.startsWith(`${hosts[leg].ips[0]}:`))
      sent.push({ at: Number(at), to: to!.slice(0, to!.lastIndexOf(':')) })
  }
  return sent
}

const mostWithin = (times: readonly number[], ms: number): number =>
  Math.max(...times.map((from, i) => times.slice(i).findIndex((at) => at - from > ms)), 0)

describe('scatter has manners', () => {
  /** Packets that the second side sends to the first in one attempt that cannot succeed. */
  function aimedAtFirst(nat: NatBehaviour, other: NatBehaviour): number {
    const meeting = new Meeting({ sites: [{ nat: other }, { nat }] })
    const sent = sentFrom(meeting, 1)
    meeting.cut()
    const { sites } = meeting.meet().pass(30_000)
    expect(meeting.b.openSockets).toBe(1)
    return sent.filter(({ to }) => to === sites[0].router.ip).length
  }

  test.each([
    ['one that counts', COUNTING],
    ['one with a block', CHUNK],
  ])('it leaves a customer of a carrier 1,024 of its 4,096 ports, towards %s', (_name, other) => {
    const aimed = aimedAtFirst(CHUNK, other)
    expect(aimed).toBeGreaterThan(2000)
    expect(aimed).toBeLessThan(4096 - 1024)
  })

  test.each([
    ['one that counts', COUNTING],
    ['one with a block', SHARED],
  ])('it takes none of the ports of a small block that are not overloaded, towards %s', (_name, other) => {
    expect(aimedAtFirst(BLOCK, other)).toBe(0)
  })

  test.each([
    ['the side with one port', 0, 2048 + 768],
    ['the side with many', 1, 2 * 2 * 255],
  ] as const)('%s sends at an even pace, no more than was planned, and to nobody else', (_name, leg, most) => {
    const meeting = new Meeting({ sites: [{ nat: EASY }, { nat: RANDOM }] })
    const sent = sentFrom(meeting, leg)
    meeting.cut()
    const { nodes, sites } = meeting.meet()
    meeting.pass(30_000)
    expect(meeting.ends.map(({ whyNotDirect }) => whyNotDirect)).toEqual(['symmetric', 'symmetric'])
    const other = sites[leg === 0 ? 1 : 0].router.ip
    const aimed = sent.filter(({ to }) => to === other).map(({ at }) => at)
    expect(aimed.length).toBeGreaterThan(most / 2)
    expect(aimed.length).toBeLessThanOrEqual(most)
    expect(mostWithin(aimed, 100)).toBeLessThanOrEqual(52)
    expect(new Set(sent.map(({ to }) => to))).toEqual(new Set([other, ...nodes.map(({ ips }) => ips[0]!)]))
  })

  test('the tunnel moves to the socket that was hit, and the others are closed', () => {
    const meeting = new Meeting({ sites: [{ nat: RANDOM }, { nat: EASY }] }).meet()
    meeting.untilBoth('direct', 9000)
    meeting.pass(500)
    expect(meeting.a.maxSockets).toBe(256)
    expect(meeting.a.openSockets).toBeLessThanOrEqual(4)
    for (const end of meeting.ends) end.talk(20, 2000)
    meeting.pass(60_000)
    expect(meeting.ends.map(({ path }) => path)).toEqual(['direct', 'direct'])
    expect([meeting.b.received.size, meeting.a.received.size]).toEqual([meeting.a.sent, meeting.b.sent])
  })

  test('the sockets are closed when nothing was hit', () => {
    const meeting = new Meeting({ sites: [{ nat: RANDOM }, { nat: EASY }] })
    meeting.cut()
    meeting.meet().pass(20_000)
    expect([meeting.a.maxSockets, meeting.a.openSockets]).toEqual([256, 1])
  })

  test('it can be switched off, and does not come without a relay', () => {
    for (const setting of [{ scatter: false }, { paths: 'direct-only' }] as const) {
      const meeting = new Meeting({ sites: [{ nat: RANDOM }, { nat: EASY }], ...setting }).meet().pass(9000)
      expect(meeting.a.maxSockets).toBeLessThanOrEqual(9)
      expect(meeting.ends.map(({ path }) => path)).not.toContain('direct')
    }
  })
})
