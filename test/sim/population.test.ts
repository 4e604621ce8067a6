import { describe, expect, it } from 'vitest'
import { type PairOutcome, playBatch } from './census.ts'
import { Dice } from './dice.ts'
import { drawPair, POPULATIONS, type PopulationName, type Residence } from './population.ts'
import { readableTally, tally } from './tally.ts'

const PEERS = 20_000

function residents(name: PopulationName): Residence[] {
  const dice = new Dice(name)
  const pairs = Array.from({ length: PEERS / 2 }, () => drawPair(POPULATIONS[name], dice))
  return pairs.flat().filter((residence) => residence !== undefined)
}

const share = <T>(all: readonly T[], is: (one: T) => boolean): number => all.filter(is).length / all.length

const isHard = ({ kind }: Residence): boolean => kind.includes('symmetric')

describe('a population', () => {
  it('of the typical kind has the shares that its sources give', () => {
    const all = residents('typical')
    expect(share(all, ({ setting }) => setting.udpBlocked === true)).toBeCloseTo(0.01, 2)
    expect(share(all, ({ setting }) => setting.ipv6 === true)).toBeCloseTo(0.46, 1)
    expect(share(all, ({ setting }) => setting.portMapping === true)).toBeCloseTo(0.2, 1)
    expect(share(all, isHard)).toBeGreaterThan(0.12)
    expect(share(all, isHard)).toBeLessThan(0.16)
  })

  it('is the harder, the more of it is at work and on the road', () => {
    const hard = (['optimistic', 'typical', 'hostile'] as const).map((name) => share(residents(name), isHard))
    expect(hard).toEqual([...hard].sort((a, b) => a - b))
    expect(share(residents('hostile'), ({ setting }) => setting.udpBlocked === true)).toBeCloseTo(0.044, 2)
  })
})

describe('pairs of a population', () => {
  it('all connect, and few of them need a relay in the end', { timeout: 300_000 }, () => {
    const batches = Array.from({ length: 30 }, (_, i) => playBatch('typical', 7_000_000 + i))
    const result = tally('typical', 7, batches)
    expect(result).toMatchObject({ pairs: 300, connected: 1, faults: [] })
    expect(result.relayShare, readableTally(result)).toBeLessThanOrEqual(0.04)
    expect(Object.keys(result.techniques).sort()).toEqual(
      ['ipv6', 'lan', 'mapped', 'open', 'predict', 'punch', 'scatter'].sort(),
    )
  })

  it('are the same pairs in the same world', () => {
    const [first, again, other] = [3, 3, 4].map((world) => playBatch('hostile', world))
    expect(again).toEqual(first)
    expect(other!.hash).not.toBe(first!.hash)
  })
})

describe('a tally', () => {
  const pair: PairOutcome = {
    world: 5,
    kinds: ['linux', 'full-cone'],
    connected: true,
    path: 'direct',
    technique: 'punch',
    firstByteMs: 100,
    directMs: 300,
    packets: 4,
  }
  const relayed: PairOutcome = {
    world: 6,
    kinds: ['symmetric-random', 'full-cone'],
    connected: false,
    path: 'relayed',
    whyNotDirect: 'symmetric',
    packets: 2000,
  }
  const swapped: PairOutcome = { ...pair, kinds: ['full-cone', 'linux'] }

  it('has shares, reasons, techniques, and who met whom', () => {
    const result = tally('typical', 1, [
      { pairs: [pair, relayed], hash: '01' },
      { pairs: [swapped], hash: '02' },
    ])
    expect(result).toEqual({
      population: 'typical',
      seed: 1,
      pairs: 3,
      connected: 2 / 3,
      relayShare: 1 / 3,
      whyNotDirect: { symmetric: 1 },
      techniques: { punch: 2 },
      firstByteMs: { p50: 100, p95: 100 },
      directMs: { p50: 300, p95: 300 },
      packets: { p50: 4, p95: 2000, mean: 2008 / 3 },
      byKind: [
        { between: 'full-cone - symmetric-random', direct: 0, relayed: 1 },
        { between: 'full-cone - linux', direct: 2, relayed: 0 },
      ],
      faults: [6],
      hash: (31n + 2n).toString(16).padStart(16, '0'),
    })
    expect(readableTally(result)).toContain('not connected in world 6')
  })
})
