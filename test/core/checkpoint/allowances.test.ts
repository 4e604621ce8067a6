/** Limits on what one peer may request from a node, and from others through it, by whatever means. */
import { describe, expect, test } from 'vitest'
import type { TunnelId } from '../../../shared/ids.ts'
import { LIMITS } from '../../../shared/limits.ts'
import { NOWHERE } from '../../../shared/wire/address.ts'
import { FRAME } from '../../../shared/wire/numbers.ts'
import { encodeAnswer, encodeOffer } from '../../../shared/wire/offers.ts'
import { encodeTicket } from '../../../shared/wire/session.ts'
import { ticketFor, World } from './world.ts'

const TUNNEL = `${'t'.repeat(25)}a` as TunnelId
const NOISE = new Uint8Array(96)

describe.each([
  'stays',
  'says goodbye before',
  'is replaced',
])('a peer that signs in again and again, and %s,', (how) => {
  test('has no more messages taken than one that stays', () => {
    const world = new World(1, { cookiesAbove: 10_000 })
    const [flood, victim] = [world.peer('f', 'flo', ['home']), world.peer('v', 'vic', ['home'])]
    world.signIn(victim)
    const start = world.now
    let sequence = 0
    for (let round = 0; round < 12; round++) {
      if (round === 0 || how !== 'stays') world.signIn(flood, world.nodes[0]!, 300)
      for (let i = 0; i < 250; i++) flood.say(victim, ++sequence, `${sequence}`, world.now, { previous: 0 })
      world.run(700)
      if (how === 'says goodbye before') flood.session!.goodbye('leaving')
      world.run(100)
    }
    const allowed = LIMITS.requestsBurst + ((world.now - start) / 1000) * LIMITS.requestsPerSecond
    expect(victim.messages.length).toBeGreaterThan(LIMITS.requestsBurst)
    expect(victim.messages.length).toBeLessThanOrEqual(allowed)
  })

  test('costs the directory no more than five sign-ins at once and one in two seconds', () => {
    const world = new World(1, { cookiesAbove: 10_000 })
    const [flapper, other] = [world.peer('f', 'flo', ['home']), world.peer('o', 'oda', ['home'])]
    world.signIn(other)
    world.asked.length = 0
    for (let round = 0; round < 120; round++) {
      if (round === 0 || how !== 'stays') world.signIn(flapper, world.nodes[0]!, 400)
      if (how === 'says goodbye before') flapper.session!.goodbye('leaving')
      world.run(100)
    }
    const signIns = world.asked.filter((kind) => kind === 'signIn').length
    expect(signIns).toBeLessThanOrEqual(5 + 60 / 2 + 1)
    expect(world.asked.filter((kind) => kind === 'signOut').length).toBeLessThanOrEqual(signIns)
    world.signIn(flapper, world.nodes[0]!, 3000)
    expect(other.presences.at(-1)).toMatchObject({ peer: flapper.id, status: 'online' })
  })
})

test('a peer that leaves while its latest sign-in waits is gone for everybody', () => {
  const world = new World(1, { cookiesAbove: 10_000 })
  const peer = world.peer('p', 'pia', ['home'])
  for (let round = 0; round < 10; round++) world.signIn(peer, world.nodes[0]!, 50)
  expect(world.tables.presence.get(peer.id)?.node).toBe(world.nodes[0]!.id)
  peer.session!.goodbye('leaving')
  world.run(5000)
  expect(world.nodes[0]!.machine.sessions).toBe(0)
  expect(world.tables.presence.get(peer.id)?.node).toBeUndefined()
})

test('a peer that sends tickets without end has a few of them looked at, and is renewed all the same', () => {
  const world = new World()
  const a = world.peer('a', 'ann', ['home'])
  a.ticket = ticketFor(a.identity, 'ann', world.now, 120_000)
  world.signIn(a)
  const junk = Buffer.from(`${a.ticket.slice(0, -20)}${'A'.repeat(20)}`)
  for (let i = 0; i < 1000; i++) {
    a.send(FRAME.TICKET, encodeTicket(junk))
    if (i % 32 === 0) world.run(50)
  }
  world.run(1000)
  expect(world.nodes[0]!.machine.counters.rateLimited).toBeGreaterThan(980)
  world.run(20_000)
  a.send(FRAME.TICKET, encodeTicket(Buffer.from(ticketFor(a.identity, 'ann', world.now, 3_600_000))))
  for (let i = 0; i < 10; i++) {
    world.run(20_000)
    world.keepAlive(a)
  }
  expect(a.session?.reason).toBeUndefined()
})

test.each([
  0, 1,
])('an offer that is answered without end, by a peer at node %i, does not fill the queue of who made it', (place) => {
  const world = new World(2)
  const [caller, callee] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', ['home'])]
  const friend = world.peer('c', 'cat', ['home'])
  world.signIn(caller)
  world.signIn(callee, world.nodes[place]!)
  world.signIn(friend)
  caller.send(FRAME.OFFER, encodeOffer({ tunnel: TUNNEL, peer: callee.id, noise: NOISE, expected: NOWHERE }))
  world.run(200)
  const answer = {
    tunnel: TUNNEL,
    peer: caller.id,
    noise: NOISE,
    expected: NOWHERE,
    outcome: 'refused',
  } as const
  // The caller's network is slow for a while.
  const isCut = { now: true }
  world.fate = (_, __, to) => (isCut.now && to.startsWith('198.51.100.1:') ? [] : [10])
  for (let i = 0; i < 1000; i++) {
    callee.send(FRAME.ANSWER, encodeAnswer(answer))
    if (i % 32 === 0) world.run(50)
  }
  friend.say(caller, 1, 'hello', world.now)
  world.run(500)
  isCut.now = false
  world.run(3000)
  expect(caller.texts).toEqual(['hello'])
  expect(caller.answers.length).toBeGreaterThan(0)
  expect(caller.answers.length).toBeLessThanOrEqual(12)
})
