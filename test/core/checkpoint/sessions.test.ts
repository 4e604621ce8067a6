import { expect, test } from 'vitest'
import { parseAddress } from '../../../shared/wire/address.ts'
import { FRAME, KIND } from '../../../shared/wire/numbers.ts'
import { encodeTicket, encodeU32 } from '../../../shared/wire/session.ts'
import { networkId, START, ticketFor, userId, World } from './world.ts'

test('a keep-alive from the session’s own address is acknowledged with six bytes', () => {
  const world = new World()
  const a = world.peer('a', 'ann', [])
  world.signIn(a)
  world.keepAlive(a)
  world.run(50)
  expect(a.short).toEqual([{ kind: KIND.KEEP_ALIVE_ACK, length: 6 }])
})

test('a keep-alive from another address, or for no session, is answered with six bytes and does not count', () => {
  const world = new World()
  const a = world.peer('a', 'ann', [])
  world.signIn(a)
  a.address = parseAddress('198.51.100.99:1')!
  world.keepAlive(a)
  world.keepAlive(a, 0xffffffff)
  world.run(50)
  expect(a.short).toEqual([
    { kind: KIND.GONE, length: 6 },
    { kind: KIND.GONE, length: 6 },
  ])
  expect(world.nodes[0]!.machine.counters.keepAlives).toBe(0)
})

test('a session moves to a new address with the first sealed datagram from there', () => {
  const world = new World()
  const a = world.peer('a', 'ann', [])
  world.signIn(a)
  a.address = parseAddress('198.51.100.99:1')!
  a.session!.ping(1)
  world.run(50)
  world.keepAlive(a)
  world.run(50)
  expect(a.short).toEqual([{ kind: KIND.KEEP_ALIVE_ACK, length: 6 }])
})

test('a silent peer is offline after three of its own intervals, last seen when it was last heard', () => {
  const world = new World()
  const a = world.peer('a', 'ann', [])
  world.signIn(a)
  a.send(FRAME.PACE, encodeU32(40_000))
  world.run(1000)
  world.keepAlive(a)
  world.run(10)
  const heardAt = world.now
  world.run(119_000)
  expect(world.tables.presence.get(a.id)?.status).toBe('online')
  world.run(2000)
  expect(world.tables.presence.get(a.id)).toMatchObject({ status: 'offline', lastSeenAt: heardAt })
  expect(world.tables.presence.get(a.id)?.node).toBeUndefined()
})

test('keep-alives alone keep a session for ever, and cost no request', () => {
  const world = new World()
  const a = world.peer('a', 'ann', [])
  world.signIn(a)
  const asked = world.asked.length
  for (let minute = 0; minute < 50; minute++) {
    world.keepAlive(a)
    world.run(60_000)
  }
  expect(world.nodes[0]!.machine.sessions).toBe(1)
  expect(world.asked.length).toBe(asked)
})

test('a clean goodbye is offline at once', () => {
  const world = new World()
  const a = world.peer('a', 'ann', ['home'])
  world.signIn(a)
  a.session!.goodbye('leaving')
  world.run(50)
  expect(world.tables.presence.get(a.id)?.status).toBe('offline')
})

test('a network is left a minute after its last member', () => {
  const world = new World()
  const a = world.peer('a', 'ann', ['home'])
  world.signIn(a)
  a.session!.goodbye('leaving')
  world.run(59_000)
  expect(world.tables.nodesOf(networkId('home'))).toEqual([world.nodes[0]!.id])
  world.run(2000)
  expect(world.tables.nodesOf(networkId('home'))).toEqual([])
})

test('a network that is needed again while it is being left is joined after that', () => {
  const world = new World()
  const a = world.peer('a', 'ann', ['home'])
  world.signIn(a)
  a.session!.goodbye('leaving')
  world.failing.add('leaveNetworks')
  world.run(62_000)
  world.asked.length = 0
  world.signIn(a)
  expect(world.asked).not.toContain('joinNetworks')
  world.failing.clear()
  world.run(3000)
  const asked = world.asked.filter((kind) => kind.endsWith('Networks'))
  expect(asked.slice(-2)).toEqual(['leaveNetworks', 'joinNetworks'])
  expect(world.tables.nodesOf(networkId('home'))).toEqual([world.nodes[0]!.id])
  expect(world.tables.presence.get(a.id)?.status).toBe('online')
})

test('a session ends with its ticket, and goes on with the next one', () => {
  const world = new World()
  const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', ['home'])]
  a.ticket = ticketFor(a.identity, 'ann', START, 60_000)
  b.ticket = ticketFor(b.identity, 'bob', START, 60_000)
  world.signIn(a)
  world.signIn(b)
  const next = ticketFor(b.identity, 'bob', START + 60_000)
  b.send(FRAME.TICKET, encodeTicket(Buffer.from(next)))
  world.run(61_000)
  expect(a.session?.reason).toBe('ticketEnded')
  expect(b.session?.state).toBe('open')
})

test('a ticket of somebody else changes nothing', () => {
  const world = new World()
  const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', ['work'])]
  world.signIn(a)
  a.send(FRAME.TICKET, encodeTicket(Buffer.from(b.ticket)))
  world.run(5000)
  expect(world.tables.presence.get(a.id)).toMatchObject({
    user: userId('ann'),
    networks: [networkId('home')],
  })
})

test('a revoked peer is told so and is gone', () => {
  const world = new World()
  const a = world.peer('a', 'ann', ['home'])
  world.signIn(a)
  world.write((tables) => tables.revoke(a.id))
  world.run(200)
  expect(a.session?.reason).toBe('revoked')
  expect(world.tables.presence.get(a.id)?.status).toBe('offline')
})

test('a node that was taken for dead while it was not signs its peers in again, and ends no session', () => {
  const world = new World()
  const node = world.nodes[0]!
  const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', ['home'])]
  for (const peer of [a, b]) world.signIn(peer)
  world.write((tables) => tables.endLease(node.id))
  expect(world.tables.presence.get(a.id)?.node).toBeUndefined()
  world.publishFleet()
  world.handle(node, { kind: 'leaseLost' })
  world.run(1000)
  for (const { id, session } of [a, b]) {
    expect(world.tables.presence.get(id)).toMatchObject({ status: 'online', node: node.id })
    expect(session?.state).toBe('open')
  }
  b.say(a, 1, 'still here?', world.now)
  world.run(500)
  expect(a.texts).toEqual(['still here?'])
  a.status('busy')
  world.run(2000)
  expect(world.tables.presence.get(a.id)?.status).toBe('busy')
})

test('a peer that signed in elsewhere while its node was taken for dead stays there', () => {
  const world = new World(2)
  const [first, second] = [world.nodes[0]!, world.nodes[1]!]
  const a = world.peer('a', 'ann', ['home'])
  world.signIn(a, first)
  world.write((tables) => tables.endLease(first.id))
  world.signIn(a, second)
  world.publishFleet()
  world.handle(first, { kind: 'leaseLost' })
  world.run(1000)
  expect(world.tables.presence.get(a.id)?.node).toBe(second.id)
  expect(world.nodes.map(({ machine }) => machine.sessions)).toEqual([0, 1])
})
