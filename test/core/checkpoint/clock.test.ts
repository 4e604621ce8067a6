import { describe, expect, test } from 'vitest'
import { Batch } from '../../../shared/wire/batch.ts'
import { FRAME, KIND } from '../../../shared/wire/numbers.ts'
import { decodeTime } from '../../../shared/wire/session.ts'
import type { ScriptedPeer } from './scripted-peer.ts'
import { START, ticketFor, World, type WorldNode } from './world.ts'

const HOUR_MS = 3_600_000
const CLOCKS = [
  ['two hours ahead', 2 * HOUR_MS],
  ['two hours behind', -2 * HOUR_MS],
  ['thirty days ahead', 720 * HOUR_MS],
] as const

/** Sends a sign-in with the timestamp `sentAt`. */
function knock(world: World, peer: ScriptedPeer, sentAt: number, node = world.nodes[0]!): string | undefined {
  const out = new Batch(1)
  world.inject(peer.signIn(node, sentAt, out), peer.address, node.address)
  world.run(500)
  return peer.welcome?.status
}

function setClock({ machine }: WorldNode, aheadMs: number): void {
  machine.wall.aheadMs = aheadMs
}

/** Lets `minutes` pass while a peer sends keepalives. */
function stay(world: World, peer: ScriptedPeer, minutes: number): void {
  for (let left = minutes * 3; left > 0; left--) {
    world.keepAlive(peer)
    world.run(20_000)
  }
}

describe.each(CLOCKS)("a node's clock that reads %s for a while", (_, offMs) => {
  test('ends no session, and tickets are judged rightly as soon as it is back', () => {
    const world = new World()
    const node = world.nodes[0]!
    const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', ['home'])]
    world.signIn(a)
    setClock(node, offMs)
    stay(world, a, 10)
    expect(a.session?.state).toBe('open')
    expect(knock(world, b, world.now)).toBe('clock')
    setClock(node, 0)
    expect(knock(world, b, world.now)).toBe('welcome')
    b.ticket = ticketFor(b.identity, 'bob', world.now - 2 * HOUR_MS)
    expect(knock(world, b, world.now)).toBe('ended')
    stay(world, a, 10)
    expect(a.session?.state).toBe('open')
  })

  test('does not lock out, here or elsewhere, whoever signed in meanwhile', () => {
    const world = new World(2)
    const node = world.nodes[0]!
    const a = world.peer('a', 'ann', ['home'])
    setClock(node, offMs)
    a.ticket = ticketFor(a.identity, 'ann', START + offMs)
    expect(knock(world, a, world.now + offMs)).toBe('welcome')
    stay(world, a, 1)
    setClock(node, 0)
    a.ticket = ticketFor(a.identity, 'ann', START)
    for (const there of [node, world.nodes[1]!, node]) {
      expect(knock(world, a, world.now, there)).toBe('welcome')
      world.run(3000)
      expect(a.session?.state).toBe('open')
      expect(world.tables.presence.get(a.id)).toMatchObject({ status: 'online', node: there.id })
      expect(world.nodes.map(({ machine }) => machine.sessions)).toEqual(there === node ? [1, 0] : [0, 1])
    }
  })

  test('is told to whoever is there when it was wrong, and when it is right again', () => {
    const world = new World()
    const node = world.nodes[0]!
    const a = world.peer('a', 'ann', ['home'])
    const told: number[] = []
    const taken = a.frame.bind(a)
    a.frame = (session, type, body) => {
      if (type === FRAME.TIME) told.push(decodeTime(body)! - world.now)
      taken(session, type, body)
    }
    world.signIn(a)
    for (const aheadMs of [offMs, 0]) {
      setClock(node, aheadMs)
      world.keepAlive(a)
      world.run(15_000)
    }
    expect(told).toHaveLength(2)
    expect(Math.abs(told[0]! - offMs)).toBeLessThan(20)
    expect(Math.abs(told[1]!)).toBeLessThan(20)
  })
})

test('a ticket that is taken while the clock is two hours behind ends no later than its whole life from then', () => {
  const world = new World()
  const a = world.peer('a', 'ann', [])
  setClock(world.nodes[0]!, -2 * HOUR_MS)
  expect(knock(world, a, world.now - 2 * HOUR_MS)).toBe('welcome')
  setClock(world.nodes[0]!, 0)
  stay(world, a, 59)
  expect(a.session?.state).toBe('open')
  stay(world, a, 2)
  expect(a.session?.reason).toBe('ticketEnded')
})

test('a sign-in that was dated four minutes ahead, and is replayed again and again, locks its peer out of nothing', () => {
  const world = new World()
  const node = world.nodes[0]!
  const a = world.peer('a', 'ann', ['home'])
  const asked = a.signIn(node, world.now + 4 * 60_000, new Batch(1))
  const answers: number[] = []
  world.fate = (bytes, _, to) => {
    if (to.startsWith('203.0.113') && bytes[1] === KIND.WELCOME) answers.push(bytes.length)
    return [10]
  }
  for (let i = 0; i < 5; i++) {
    world.inject(asked, { words: Uint32Array.of(0, 0, 0xffff, 0xcb007107, 7) }, node.address)
    world.run(300)
    expect(knock(world, a, world.now)).toBe('welcome')
    expect(a.session?.state).toBe('open')
  }
  expect(answers.every((bytes) => bytes < asked.length)).toBe(true)
  expect(node.machine.sessions).toBe(1)
})
