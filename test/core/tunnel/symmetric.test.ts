import { describe, expect, test } from 'vitest'
import type { NatBehaviour } from '../../sim/nat.ts'
import { NAT_KINDS } from '../../sim/nat-kinds.ts'
import { Meeting, type MeetingSetting } from './meeting.ts'

const SEEDS = 30
const EASY = NAT_KINDS['port-restricted']
const COUNTING = NAT_KINDS['symmetric-sequential']
const BY_TWO: NatBehaviour = { ...COUNTING, allocation: { ...COUNTING.allocation, step: 2 } }
const KEEPING = NAT_KINDS['symmetric-preserving']
const BLOCK = NAT_KINDS['symmetric-block']
const RANDOM = NAT_KINDS['symmetric-random']

interface Trial {
  readonly rate: number
  /** Of the runs that became direct. */
  readonly p95Ms: number
}

function trial(one: NatBehaviour, other: NatBehaviour, setting: MeetingSetting = {}): Trial {
  const times: number[] = []
  for (let seed = 1; seed <= SEEDS; seed++) {
    const meeting = new Meeting({ sites: [{ nat: one }, { nat: other }], ...setting, seed }).meet()
    const ms = meeting.untilBoth('direct', 9000)
    if (Number.isFinite(ms)) times.push(ms)
  }
  times.sort((a, b) => a - b)
  return { rate: times.length / SEEDS, p95Ms: times[Math.ceil(times.length * 0.95) - 1] ?? 0 }
}

describe('a symmetric NAT is opened', () => {
  test.each([
    ['counting by one, from a port-restricted one', COUNTING, EASY, 0.95, 2000],
    ['counting by two, from a port-restricted one', BY_TWO, EASY, 0.95, 2000],
    ['keeping the port of the first destination', KEEPING, EASY, 0.95, 2000],
    ['giving ports out of a small block', BLOCK, EASY, 0.95, 3000],
    ['giving any port', RANDOM, EASY, 0.95, 5000],
    ['counting, from another one that counts', COUNTING, BY_TWO, 0.8, 3000],
  ] as const)('%s, in either direction', (_name, hard, other, least, withinMs) => {
    const { rate, p95Ms } = trial(hard, other)
    expect(rate).toBeGreaterThanOrEqual(least)
    expect(p95Ms).toBeLessThan(withinMs)
  })
})
