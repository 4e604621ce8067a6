import { describe, expect, test } from 'vitest'
import { Attempt, type Order, type Sides } from '../../../shared/core/handshake/attempt.ts'
import { type Address, parseAddress } from '../../../shared/wire/address.ts'
import type { Result, StepKind, StepOutcome } from '../../../shared/wire/handshake.ts'
import { type Candidate, type Profile, UNKNOWN_PROFILE } from '../../../shared/wire/profile.ts'

const NOWHERE: Address = { words: new Uint32Array(5) }
const B = parseAddress('203.0.113.2:1')!
const candidate = (kind: Candidate['kind'], text: string): Candidate => ({
  kind,
  address: parseAddress(text)!,
})

function profile(host: number, change: Partial<Profile> = {}): Profile {
  const candidates = [candidate('reflexive', `203.0.113.${host}:40000`)]
  return { ...UNKNOWN_PROFILE, mapping: 'independent', ready: true, candidates, ...change }
}

const sides = (a = profile(1), b = profile(2), roundTripMs: [number, number] = [40, 40]): Sides => ({
  profiles: [a, b],
  roundTripMs,
})
const result = (step: number, outcome: StepOutcome, reached = NOWHERE): Result => ({
  step,
  outcome,
  reached,
  elapsedMs: 1,
  packets: 1,
})
const kindOf = (order: Order | undefined): StepKind | string =>
  order?.kind === 'step'
    ? (order.steps[0] ?? order.steps[1])!.kind
    : order?.kind === 'outcome'
      ? order.outcome.whyNotDirect
      : 'none'

describe('the start of a step', () => {
  test('is at the same moment on both sides, however far each is', () => {
    const order = new Attempt(0, 1, 0).advance(sides(undefined, undefined, [10, 200]), 1000)
    if (order?.kind !== 'step') throw new Error('no step')
    const startsAt = order.steps.map((step, i) => 1000 + [5, 100][i]! + step!.startInMs)
    expect(startsAt[0]).toBe(startsAt[1])
    expect(order.steps.map((step) => step!.startInMs)).toEqual([155, 60])
  })

  test('tells each side the addresses of the other, and no others', () => {
    const order = new Attempt(0, 1, 0).advance(sides(), 0)
    if (order?.kind !== 'step') throw new Error('no step')
    expect(order.steps.map((step) => step!.targets.map(({ words }) => words[3]! & 255))).toEqual([[2], [1]])
  })
})

describe('an attempt', () => {
  test('waits for the evidence of both, and no longer than a second and a half', () => {
    const attempt = new Attempt(0, 1, 0)
    const unready = sides(profile(1, { ready: false }))
    expect(attempt.advance(unready, 1499)).toBeUndefined()
    expect(attempt.deadline()).toBe(1500)
    expect(kindOf(attempt.advance(unready, 1500))).toBe('punch')
    expect(kindOf(new Attempt(0, 1, 0).advance(sides(), 0))).toBe('punch')
  })

  test('does not wait for the evidence of a side when the other takes packets from others', () => {
    const unready = profile(2, { mapping: 'unknown', ready: false })
    const open = sides(profile(1, { filtering: 'independent' }), unready)
    expect(kindOf(new Attempt(0, 1, 0).advance(open, 0))).toBe('open')
    const unseen = sides(profile(1, { filtering: 'independent' }), { ...unready, candidates: [] })
    expect(kindOf(new Attempt(0, 1, 0).advance(unseen, 0))).toBe('none')
  })

  test('does not wait for evidence when a router gave a port, and uses it at once', () => {
    const mapping = { mapping: 'addressAndPort', ready: false } as const
    const { candidates } = profile(1)
    const given = profile(1, {
      ...mapping,
      candidates: [candidate('mapped', '203.0.113.1:7000'), ...candidates],
    })
    for (const other of [profile(2, mapping), profile(2, { ready: false })]) {
      const order = new Attempt(0, 1, 0).advance(sides(given, other), 0)
      expect(kindOf(order)).toBe('mapped')
      expect(order).toMatchObject({ steps: [{ startInMs: 0 }, { startInMs: 0 }] })
    }
    const unseen = sides(given, profile(2, { ready: false, candidates: [] }))
    expect(kindOf(new Attempt(0, 1, 0).advance(unseen, 0))).toBe('none')
  })

  test('does not wait for evidence when both have IPv6', () => {
    const six = [1, 2].map((host) => candidate('host', `[2001:db8:${host}::1]:40000`))
    const both = six.map((address, i) => profile(i + 1, { ready: false, candidates: [address] }))
    expect(kindOf(new Attempt(0, 1, 0).advance(sides(both[0], both[1]), 0))).toBe('ipv6')
  })

  test('does not wait where a side wants the relay only', () => {
    const relayOnly = sides(profile(1, { paths: 'relay-only', ready: false }), profile(2, { ready: false }))
    expect(kindOf(new Attempt(0, 1, 0).advance(relayOnly, 0))).toBe('policy')
  })

  test('goes to the next step when both have reported failure, and says why at the end', () => {
    const attempt = new Attempt(0, 7, 0)
    const both = sides(profile(1, { filtering: 'independent' }), profile(2, { mapping: 'addressAndPort' }))
    expect(kindOf(attempt.advance(both, 0))).toBe('open')
    attempt.report(0, result(7, 'failed'))
    expect(attempt.advance(both, 10)).toBeUndefined()
    attempt.report(1, result(7, 'failed'))
    expect(kindOf(attempt.advance(both, 20))).toBe('punch')
    attempt.report(0, result(8, 'failed'))
    attempt.report(1, result(8, 'impossible'))
    expect(kindOf(attempt.advance(both, 30))).toBe('symmetric')
    expect([attempt.over, attempt.deadline(), attempt.nextStep]).toEqual([true, Infinity, 9])
  })

  test('goes on without a side that does not report', () => {
    const attempt = new Attempt(0, 1, 0)
    attempt.advance(sides(), 0)
    const end = attempt.deadline()
    expect(end).toBeGreaterThan(2000)
    expect(attempt.advance(sides(), end - 1)).toBeUndefined()
    expect(kindOf(attempt.advance(sides(), end))).toBe('probe-timeout')
  })

  test('succeeds when one side has reached the other: an answer crosses both ways', () => {
    const attempt = new Attempt(0, 1, 0)
    attempt.advance(sides(), 0)
    attempt.report(0, result(1, 'direct', B))
    attempt.report(1, result(1, 'failed'))
    expect(attempt.advance(sides(), 100)).toEqual({
      kind: 'outcome',
      outcome: { path: 'direct', whyNotDirect: 'not-yet' },
      technique: 'punch',
    })
  })

  test('says that data is blocked where only small probes crossed', () => {
    const attempt = new Attempt(0, 1, 0)
    attempt.advance(sides(), 0)
    for (const side of [0, 1] as const) attempt.report(side, result(1, 'failed', B))
    expect(kindOf(attempt.advance(sides(), 100))).toBe('data-blocked')
  })

  test('takes only the first report of a side about the step that runs', () => {
    const attempt = new Attempt(0, 5, 0)
    attempt.advance(sides(), 0)
    attempt.report(0, result(4, 'direct', B))
    attempt.report(0, result(5, 'failed'))
    attempt.report(0, result(5, 'direct', B))
    attempt.report(1, result(5, 'failed'))
    expect(kindOf(attempt.advance(sides(), 100))).toBe('probe-timeout')
  })

  test('uses what is learned while it goes on, and repeats nothing unchanged', () => {
    const attempt = new Attempt(0, 1, 0)
    expect(kindOf(attempt.advance(sides(), 0))).toBe('punch')
    for (const side of [0, 1] as const) attempt.report(side, result(1, 'failed'))
    const mapped = profile(2, {
      candidates: [...profile(2).candidates, candidate('mapped', '203.0.113.2:6000')],
    })
    expect(kindOf(attempt.advance(sides(profile(1), mapped), 10))).toBe('mapped')
    for (const side of [0, 1] as const) attempt.report(side, result(2, 'failed'))
    expect(kindOf(attempt.advance(sides(profile(1), mapped), 20))).toBe('probe-timeout')
  })

  test('ends even when a side names new addresses for ever', () => {
    const attempt = new Attempt(0, 1, 0)
    let order: Order | undefined
    for (let n = 0; n < 100 && order?.kind !== 'outcome'; n++) {
      const candidates = [candidate('reflexive', `203.0.113.2:${1000 + n}`)]
      order = attempt.advance(sides(profile(1), profile(2, { candidates })), n)
      for (const side of [0, 1] as const) attempt.report(side, result(n + 1, 'failed'))
    }
    expect(attempt.over).toBe(true)
    expect(attempt.nextStep).toBeLessThanOrEqual(13)
  })

  test('begins with what worked before', () => {
    const attempt = new Attempt(0, 1, 0)
    attempt.history = 'punch'
    const both = sides(profile(1, { filtering: 'independent' }), profile(2))
    expect(kindOf(attempt.advance(both, 0))).toBe('punch')
  })
})
