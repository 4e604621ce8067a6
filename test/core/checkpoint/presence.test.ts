import { describe, expect, test } from 'vitest'
import { FRAME } from '../../../shared/wire/numbers.ts'
import { encodeFind } from '../../../shared/wire/presence.ts'
import { nameOf, networkId, userId, World } from './world.ts'

/** The last status that a peer was told of each other peer. */
function seenBy(peer: ReturnType<World['peer']>): Record<string, string> {
  return Object.fromEntries(peer.presences.map(({ peer: other, status }) => [nameOf(other), status]))
}

test('presence reaches all related peers, at whatever node, and nobody else', () => {
  const world = new World(2)
  const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', ['home', 'work'])]
  const [c, d] = [world.peer('c', 'cat', ['work']), world.peer('d', 'ann', ['home'])]
  for (const peer of [b, c, d]) world.signIn(peer, world.nodes[1]!)
  for (const peer of [b, c, d]) peer.presences.length = 0
  world.signIn(a)
  a.status('busy', { game: 'chess' }, 'thinking')
  world.run(2000)
  expect(seenBy(b)).toEqual({ a: 'busy' })
  expect(seenBy(d)).toEqual({ a: 'busy' })
  expect(seenBy(c)).toEqual({})
  expect(seenBy(a)).toEqual({})
  expect(b.presences.at(-1)).toMatchObject({ custom: 'thinking', metadata: { game: 'chess' } })
})

test('an invisible peer is offline to others from its very first moment', () => {
  const world = new World()
  const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', ['home'])]
  world.signIn(b)
  a.firstStatus = { status: 'invisible', metadata: { game: 'chess' } }
  world.signIn(a)
  world.run(2000)
  expect(world.tables.presence.get(a.id)?.status).toBe('invisible')
  expect(b.presences.filter(({ status }) => status !== 'offline')).toEqual([])
  expect(b.presences.flatMap(({ metadata }) => Object.keys(metadata))).toEqual([])
})

test('however often a status changes, the directory is told three times, then once a second, and of the last', () => {
  const world = new World()
  const a = world.peer('a', 'ann', ['home'])
  world.signIn(a)
  world.asked.length = 0
  for (let i = 0; i < 50; i++) {
    a.status('away', { i })
    world.run(100)
  }
  world.run(2000)
  expect(world.asked.filter((kind) => kind === 'update').length).toBeLessThanOrEqual(8)
  expect(world.tables.presence.get(a.id)?.metadata).toEqual({ i: 49 })
})

test('while the tables do not answer one write waits for each peer, and in the end they have the last', () => {
  const world = new World()
  const a = world.peer('a', 'ann', ['home'])
  world.signIn(a)
  world.failing.add('update')
  for (let i = 0; i < 30; i++) {
    a.status('away', { i })
    world.run(1000)
  }
  const tried = world.asked.filter((kind) => kind === 'update').length
  expect(tried).toBeLessThanOrEqual(31)
  world.failing.clear()
  world.run(5000)
  expect(world.tables.presence.get(a.id)?.metadata).toEqual({ i: 29 })
  expect(world.asked.filter((kind) => kind === 'update').length).toBeLessThanOrEqual(tried + 3)
})

test('a new member hears of its network at once, and who leaves hears nothing more', () => {
  const world = new World()
  const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', [])]
  world.signIn(a)
  world.signIn(b)
  world.write((tables) => tables.setRole(networkId('home'), userId('bob'), 'member'))
  world.run(2000)
  expect(b.changes).toMatchObject([{ kind: 'membership', user: userId('bob'), role: 'member' }])
  expect(a.changes).toHaveLength(1)
  expect(world.tables.presence.get(b.id)?.networks).toEqual([networkId('home')])
  a.status('busy')
  world.run(2000)
  expect(seenBy(b)).toEqual({ a: 'busy' })
  world.write((tables) => tables.setRole(networkId('home'), userId('bob'), null))
  world.run(2000)
  expect(b.changes.at(-1)).toMatchObject({ role: null })
  a.status('away')
  world.run(2000)
  expect(seenBy(b)).toEqual({ a: 'busy' })
})

test('changed metadata is told to members of the networks concerned', () => {
  const world = new World()
  const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', ['work'])]
  world.signIn(a)
  world.signIn(b)
  const networks = [networkId('home')]
  const push = { kind: 'metadata', entity: 'object', id: 'o1', collection: 'cards', networks } as const
  world.handle(world.nodes[0]!, { kind: 'push', push: { ...push, value: { title: 'x'.repeat(2000) } } })
  world.run(100)
  expect(a.changes).toEqual([push])
  expect(b.changes).toEqual([])
})

test('a look-up finds related peers only, and says what is wrong with a filter', () => {
  const world = new World()
  const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', ['home'])]
  const c = world.peer('c', 'cat', ['work'])
  for (const peer of [a, b, c]) world.signIn(peer)
  b.status('online', { game: 'chess' })
  c.status('online', { game: 'chess' })
  world.run(2000)
  a.send(FRAME.FIND, encodeFind({ request: 5, limit: 10, filter: 'metadata.game eq "chess"' }))
  a.send(FRAME.FIND, encodeFind({ request: 6, limit: 10, filter: 'metadata.game equals' }))
  world.run(100)
  expect(a.found.map(({ peer }) => nameOf(peer))).toEqual(['b'])
  expect(a.foundEnds[0]).toEqual({ request: 5, count: 1, more: false, error: '' })
  expect(a.foundEnds[1]).toMatchObject({ request: 6, count: 0 })
  expect(a.foundEnds[1]?.error).not.toBe('')
})

test('a change of a user names to each of those who hear of it the networks that they share', () => {
  const world = new World()
  const [home, work] = [networkId('home'), networkId('work')]
  const [a, b] = [world.peer('a', 'ann', ['home', 'work']), world.peer('b', 'bob', ['home'])]
  for (const peer of [a, b]) world.signIn(peer)
  const change = { kind: 'metadata', entity: 'user', id: userId('ann') } as const
  world.handle(world.nodes[0]!, { kind: 'push', push: { ...change, networks: [home, work] } })
  world.run(500)
  expect(a.changes).toEqual([{ ...change, networks: [home, work] }])
  expect(b.changes).toEqual([{ ...change, networks: [home] }])
})

describe('a peer that flaps its status once a second for ten minutes', () => {
  function flapping() {
    const world = new World(1, { cookiesAbove: 10_000 })
    const [flapper, other] = [world.peer('f', 'flo', ['home']), world.peer('o', 'oda', ['home'])]
    for (const peer of [flapper, other]) world.signIn(peer)
    other.presences.length = 0
    return { world, flapper, other }
  }

  test('costs each member of its network twenty frames, then one in ten seconds, and all learn the last', () => {
    const { world, flapper, other } = flapping()
    let bytes = 0
    world.fate = (datagram, _, to) => {
      if (to.startsWith('198.51.100.2:')) bytes += datagram.length
      return [10]
    }
    for (let second = 1; second <= 600; second++) {
      flapper.status(second % 2 === 0 ? 'online' : 'away', { second }, 'x'.repeat(50))
      world.run(1000)
    }
    world.run(15_000)
    expect(other.presences.length).toBeLessThanOrEqual(600 / 10 + 21)
    expect(other.presences.at(-1)).toMatchObject({ status: 'online', metadata: { second: 600 } })
    // Bytes per second to a network of 3,000. Pushing each change would take seven times as much.
    expect((bytes * 3000) / 600).toBeLessThan(100_000)
  })

  test('is told of at once as long as it changes now and then', () => {
    const { world, flapper, other } = flapping()
    for (let change = 1; change <= 20; change++) {
      flapper.status('away', { change })
      world.run(10_100)
      expect(other.presences.at(-1)).toMatchObject({ metadata: { change } })
    }
  })
})
