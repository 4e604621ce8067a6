import { describe, expect, test } from 'vitest'
import { Queue } from '../../../shared/core/session/queue.ts'
import { Attempt } from '../../../shared/core/tunnel/attempt.ts'
import { Course } from '../../../shared/core/tunnel/course.ts'
import type { TunnelEffect } from '../../../shared/core/tunnel/events.ts'
import { Lifetime } from '../../../shared/core/tunnel/lifetime.ts'
import { Orders } from '../../../shared/core/tunnel/orders.ts'
import { Reason } from '../../../shared/core/tunnel/reason.ts'
import { RelayUpkeep } from '../../../shared/core/tunnel/relay-upkeep.ts'
import { Rendezvous } from '../../../shared/core/tunnel/rendezvous.ts'
import { Sockets } from '../../../shared/core/tunnel/sockets.ts'
import { Summons } from '../../../shared/core/tunnel/summons.ts'
import { DIRECTION_MS } from '../../../shared/crypto/grant.ts'
import { Random } from '../../../shared/crypto/random.ts'
import type { Paths } from '../../../shared/paths.ts'
import { formatAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import type { Step } from '../../../shared/wire/handshake.ts'
import { KIND } from '../../../shared/wire/numbers.ts'
import type { Direction } from '../../../shared/wire/offers.ts'
import { address, B, OtherSide, RELAY } from './other-side.ts'

const [FOUR, SIX] = ['192.0.2.1:4001', '[2001:db8::1]:4001'].map(address)
const direction = (...handshake: Direction['handshake'][number][]): Direction => ({
  handshake,
  key: new Uint8Array(32).fill(5),
  grant: new Uint8Array(40),
})
const KEYS = { send: new Uint8Array(32).fill(1), receive: new Uint8Array(32).fill(2) }
const STEP: Step = {
  ...{ step: 1, kind: 'punch', role: 0, startInMs: 30, timeoutMs: 1000, ttl: 0, intervalMs: 100, rounds: 1 },
  ...{ sockets: 1, targets: [B], proven: 0, paceMs: 0, volley: undefined },
}

/** One side of a tunnel that nobody answers, with this host address. */
function side(paths: Paths = 'auto', own = '198.51.100.7:5000') {
  const other = new OtherSide()
  const outbox = new Queue<TunnelEffect>()
  const { paths: parts } = other
  const sockets = new Sockets(() => parts.book.usedSockets, outbox)
  const terms = { paths, clear: false }
  const candidates = [{ kind: 'host', address: address(own) }] as const
  const options = { seed: new Uint8Array(32), terms, stun: [], candidates, localPort: 5000, now: 0 }
  const rendezvous = new Rendezvous(options, new Random(new Uint8Array(32).fill(3)), sockets, outbox)
  const orders = new Orders({ paths, parts, rendezvous, sockets })
  const { choice } = parts
  const [reason, lifetime] = [new Reason(paths, choice), new Lifetime()]
  const upkeep = new RelayUpkeep(parts.relays, choice, outbox)
  const summons = new Summons(choice, outbox)
  const needs = { paths, choice, rendezvous, orders, upkeep, sockets, summons, reason, lifetime }
  const course = new Course(needs)
  const effects = () => Array.from({ length: outbox.size }, () => outbox.take()!.kind)
  return { other, parts, rendezvous, orders, course, reason, lifetime, effects }
}

/** Lets a side tell its HANDSHAKE what is due until `until`. Returns times and destinations of its JOINs. */
function joins({ rendezvous }: Pick<ReturnType<typeof side>, 'rendezvous'>, until: number): string[] {
  const said: string[] = []
  for (let now = 0; now <= until; now += 50) {
    const out = new Batch()
    rendezvous.gather(false, out, now)
    rendezvous.tell(out, now)
    for (let i = 0; i < out.count; i++)
      if (out.bytes[out.start(i) + 1] === KIND.JOIN) said.push(`${now} ${formatAddress(out.address, i * 5)}`)
  }
  return said
}

describe('a rendezvous', () => {
  test.each([
    ['IPv4', '198.51.100.7:5000', FOUR, SIX],
    ['IPv6', '[2001:db8::7]:5000', SIX, FOUR],
  ])('of a host with %s asks the HANDSHAKE there first, and at its other address after a second', (_, own, first, then) => {
    const it = side('auto', own)
    it.rendezvous.join(direction(SIX!, FOUR!), false, 0)
    const at = (i: number) => formatAddress((i < 4 ? first : then)!.words)
    expect(joins(it, 1250)).toEqual([0, 250, 500, 750, 1000, 1250].map((ms, i) => `${ms} ${at(i)}`))
  })

  test('is told once that the HANDSHAKE does not answer, and goes on asking every second', () => {
    const it = side()
    it.rendezvous.join(direction(FOUR!), false, 0)
    joins(it, 4950)
    expect(it.rendezvous.hear()).toBeUndefined()
    joins(it, 7000)
    expect(it.rendezvous.hear()).toEqual({ kind: 'unreachable' })
    expect(it.rendezvous.hear()).toBeUndefined()
    expect(it.rendezvous.state).toBe('joining')
  })

  test('knows whether UDP is dropped, and says whether that is news', () => {
    const { rendezvous } = side()
    expect([true, true, false].map((blocked) => rendezvous.setUdp(blocked))).toEqual([true, false, true])
  })
})

describe('orders', () => {
  const relayed = { relay: RELAY, grant: new Uint8Array(40), key: new Uint8Array(32) }
  const attempt = () => new Attempt({ directed: { direction: direction(FOUR!), at: 0 }, beganAt: 0 })
  const table: readonly (readonly [Paths, binds: boolean, steps: boolean])[] = [
    ['auto', true, true],
    ['relay-only', true, false],
    ['direct-only', false, true],
  ]
  test.each(
    table,
  )('with the terms %s: a relay is bound: %s, a step is carried out: %s', (paths, binds, steps) => {
    const { orders, other, parts } = side(paths)
    orders.bind({ kind: 'relayed', relayed }, other.out, 0)
    expect([parts.relays.alive, other.out.count > 0]).toEqual([binds, binds])
    other.sent()
    orders.start(STEP, attempt(), other.out, 0)
    orders.tick(other.out, 30)
    expect(other.sent().map(({ to }) => to)).toEqual(steps ? [formatAddress(B.words)] : [])
  })

  test('a step that relies on chance is remembered by its attempt, a measurement is not', () => {
    const { orders, other } = side()
    const [measured, scattered] = [attempt(), attempt()]
    orders.start({ ...STEP, kind: 'scatter', role: 2 }, measured, other.out, 0)
    orders.start({ ...STEP, kind: 'scatter' }, scattered, other.out, 0)
    expect([measured.byChance, scattered.byChance]).toEqual([false, true])
  })
})

describe('a course', () => {
  const agreed = { keys: KEYS, direction: direction(FOUR!) }

  test('begins with an approach, which goes on as an attempt when the other side accepts', () => {
    const it = side()
    expect(it.course.phase.kind).toBe('approach')
    it.course.approach(direction(FOUR!), 0)
    expect(joins(it, 200)).toHaveLength(1)
    it.course.agree(agreed, 200)
    expect([it.course.phase.kind, it.rendezvous.state]).toEqual(['attempt', 'joining'])
    it.course.agree({ ...agreed, direction: direction(SIX!) }, 300)
    expect(joins(it, 400).some((said) => said.includes('2001'))).toBe(false)
  })

  test('is settled when its HANDSHAKE does not answer, and says why', () => {
    const it = side()
    it.course.agree(agreed, 0)
    joins(it, 5500)
    it.course.hear(it.other.out, 5500)
    expect([it.course.phase.kind, it.reason.why]).toEqual(['settled', 'handshake-unreachable'])
    expect(it.lifetime.isOver).toBe(false)
  })

  test('hears of a silent HANDSHAKE during an approach without giving up', () => {
    const it = side()
    it.course.approach(direction(FOUR!), 0)
    joins(it, 5500)
    it.course.hear(it.other.out, 5500)
    expect([it.course.phase.kind, it.reason.why]).toEqual(['approach', 'not-yet'])
  })

  test('ends the tunnel if only a direct path would do', () => {
    const it = side('direct-only')
    it.course.agree(agreed, 0)
    joins(it, 5500)
    it.course.hear(it.other.out, 5500)
    expect(it.lifetime.endedBy(5500)).toBe('noDirectPath')
  })

  test('asks for another direction instead of using one whose grant may end', () => {
    const it = side()
    it.course.agree(agreed, 0)
    it.effects()
    const now = DIRECTION_MS
    it.course.begin({ direction: direction(FOUR!), at: 0 }, now)
    expect(it.course.phase).toMatchObject({ kind: 'attempt', awaitsDirection: true })
    expect(it.effects()).toContain('rejoin')
  })
})
