import { describe, expect, test } from 'vitest'
import { Approach } from '../../../shared/core/tunnel/approach.ts'
import { Attempt } from '../../../shared/core/tunnel/attempt.ts'
import { type Directed, isSameNode, isStale } from '../../../shared/core/tunnel/directed.ts'
import { Settled } from '../../../shared/core/tunnel/settled.ts'
import { isUrgent, type Situation } from '../../../shared/core/tunnel/situation.ts'
import { DIRECTION_MS } from '../../../shared/crypto/grant.ts'
import type { Step } from '../../../shared/wire/handshake.ts'
import type { Direction } from '../../../shared/wire/offers.ts'
import { address, B } from './other-side.ts'

const [NODE, SAME, OTHER] = ['192.0.2.1:4001', '192.0.2.1:443', '192.0.2.7:4001'].map(address)
const to = (...handshake: (typeof B)[]): Direction => ({
  handshake,
  key: new Uint8Array(32),
  grant: new Uint8Array(9),
})
const directed = (at = 0): Directed => ({ direction: to(NODE!, SAME!), at })
const situation = (change: Partial<Situation>): Situation => ({
  path: undefined,
  directDied: false,
  relayDraining: false,
  silent: false,
  lossy: false,
  ...change,
})
const NEVER = Number.POSITIVE_INFINITY
const [BEGAN, AGAIN] = [1000, 75_000]

describe('a direction', () => {
  test('leads to the same node where one address is the same', () => {
    expect(isSameNode(to(NODE!, SAME!), to(SAME!))).toBe(true)
    expect(isSameNode(to(NODE!, SAME!), to(OTHER!))).toBe(false)
    expect(isSameNode(to(), to())).toBe(false)
  })

  test('is used for nine of the ten minutes of its grant', () => {
    expect([DIRECTION_MS - 60_001, DIRECTION_MS - 60_000].map((now) => isStale(directed(), now))).toEqual([
      false,
      true,
    ])
  })
})

describe('an approach', () => {
  test('leads to an attempt at the same node within ten seconds', () => {
    const approach = new Approach()
    expect(approach.leadsTo(to(NODE!), 0)).toBe(false)
    approach.directed = directed()
    expect([9999, 10_000].map((now) => approach.leadsTo(to(NODE!), now))).toEqual([true, false])
    expect(approach.leadsTo(to(OTHER!), 0)).toBe(false)
  })
})

describe('an attempt', () => {
  const attempt = (change = {}) => new Attempt({ directed: directed(), beganAt: BEGAN, ...change })

  test('is due at once to greet the other side, once', () => {
    const it = attempt({ expected: B })
    expect([it.greets, it.deadline(situation({ path: 'direct' }))]).toEqual([true, BEGAN])
    expect([it.takeExpected(), it.takeExpected()]).toEqual([B, undefined])
    expect(it.deadline(situation({ path: 'direct' }))).toBe(NEVER)
  })

  test('is over a second after the other side has succeeded, or at once if both have', () => {
    const it = attempt()
    expect(it.isOver(NEVER - 1)).toBe(true)
    it.otherSucceeded(false, 2000)
    expect([it.isOver(2999), it.isOver(3000)]).toEqual([false, true])
    it.otherSucceeded(true, 2500)
    expect(it.isOver(2500)).toBe(true)
  })

  test('depends on chance once it has scattered', () => {
    const it = attempt()
    it.ordered({ kind: 'punch' } as Step)
    expect(it.byChance).toBe(false)
    it.ordered({ kind: 'scatter' } as Step)
    it.ordered({ kind: 'punch' } as Step)
    expect(it.byChance).toBe(true)
  })

  test('is fresh for ten seconds', () => {
    expect([10_999, 11_000].map((now) => attempt().isFresh(now))).toEqual([true, false])
  })
})

describe('the next attempt is due', () => {
  const attempt = new Attempt({ directed: directed(), beganAt: BEGAN })
  const settled = () => new Settled({ directed: directed(), beganAt: BEGAN, againAt: AGAIN })

  test.each<[string, Partial<Situation>, number, number]>([
    ['without any path', {}, 11_000, 11_000],
    ['on a relay', { path: 'relayed' }, 61_000, AGAIN],
    ['on a relay that is draining', { path: 'relayed', relayDraining: true }, 61_000, 11_000],
    ['on a direct path', { path: 'direct' }, NEVER, NEVER],
    ['on a direct path that is silent', { path: 'direct', silent: true }, 11_000, 11_000],
    ['on a direct path that loses much', { path: 'direct', lossy: true }, 301_000, 301_000],
  ])('%s', (_, change, going, ended) => {
    expect([attempt.nextAt(situation(change)), settled().nextAt(situation(change))]).toEqual([going, ended])
  })

  test('soon on a relay when a direct path has died', () => {
    const it = settled()
    it.pathDied()
    expect(it.nextAt(situation({ path: 'relayed' }))).toBe(11_000)
  })

  test('and the CHECKPOINT is asked unless both sides count from the same moment', () => {
    expect(isUrgent(situation({ path: 'relayed' }))).toBe(false)
    for (const change of [
      {},
      { directDied: true },
      { relayDraining: true },
      { silent: true },
      { lossy: true },
    ])
      expect(isUrgent(situation({ path: 'path' in change ? undefined : 'relayed', ...change }))).toBe(
        Object.keys(change).length > 0,
      )
  })
})

test('an attempt that was given up goes on where it began', () => {
  const resumed = new Settled({ directed: directed(7), beganAt: BEGAN, againAt: AGAIN }).resumed()
  expect([resumed.kind, resumed.beganAt, resumed.directed.at, resumed.greets]).toEqual([
    'attempt',
    BEGAN,
    7,
    false,
  ])
})
