import { expect, test } from 'vitest'
import { parseAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import { FRAME, KIND } from '../../../shared/wire/numbers.ts'
import { encodeTicket } from '../../../shared/wire/session.ts'
import { networkId, START, ticketFor, userId, World } from './world.ts'

const FAR = parseAddress('203.0.113.200:7777')!

test('a peer signs in, and the directory has it here', () => {
  const world = new World()
  const a = world.peer('a', 'ann', ['home'])
  world.signIn(a)
  expect(a.welcome?.status).toBe('welcome')
  expect(world.tables.presence.get(a.id)).toMatchObject({ status: 'online', node: world.nodes[0]!.id })
  expect(world.asked).toEqual(['signIn', 'joinNetworks', 'readMail'])
})

test('the welcome is shorter than what it answers, and tells the peer its address', () => {
  const world = new World()
  const a = world.peer('a', 'ann', [])
  const answers: number[] = []
  world.fate = (bytes, from) => {
    if (from.startsWith('192')) answers.push(bytes.length)
    return [10]
  }
  const asked = world.signIn(a)
  expect(answers[0]).toBeLessThan(asked.length)
  expect(a.welcome?.observed).toEqual(a.address)
  expect(a.welcome?.serverTime).toBe(START + 10)
})

test('nobody hears of a session whose address was not proven', () => {
  const world = new World()
  const a = world.peer('a', 'ann', ['home'])
  world.fate = (bytes) => (bytes[1] === KIND.SEALED ? [] : [10])
  world.signIn(a)
  expect(a.welcome?.status).toBe('welcome')
  expect(world.asked).toEqual([])
  expect(world.nodes[0]!.machine.sessions).toBe(0)
})

test('a replayed sign-in changes nothing', () => {
  const world = new World()
  const a = world.peer('a', 'ann', ['home'])
  const asked = world.signIn(a)
  const { counters } = world.nodes[0]!.machine
  const before = world.tables.presence.get(a.id)
  world.inject(asked, FAR, world.nodes[0]!.address)
  world.run(500)
  expect(counters.replays).toBe(1)
  expect(counters.signIns).toBe(1)
  expect(world.tables.presence.get(a.id)).toEqual(before)
  world.keepAlive(a)
  world.run(50)
  expect(a.short).toEqual([{ kind: KIND.KEEP_ALIVE_ACK, length: 6 }])
})

test('a sign-in whose welcome was lost is answered again with the same welcome, at its own address only', () => {
  const world = new World()
  const a = world.peer('a', 'ann', ['home'])
  const sent: string[] = []
  world.fate = (bytes, _, to) => {
    if (bytes[1] === KIND.WELCOME) sent.push(`${to} ${Buffer.from(bytes).toString('hex')}`)
    return sent.length === 1 && bytes[1] === KIND.WELCOME ? [] : [10]
  }
  const asked = world.signIn(a)
  expect(a.welcome).toBeUndefined()
  world.inject(asked, FAR, world.nodes[0]!.address)
  world.inject(asked, a.address, world.nodes[0]!.address)
  world.run(500)
  expect(sent).toHaveLength(2)
  expect(sent[1]).toBe(sent[0])
  expect(a.welcome?.status).toBe('welcome')
  expect(world.nodes[0]!.machine.sessions).toBe(1)
})

test.each([
  ['ended', (now: number) => now - 7200_000],
  ['clock', (now: number) => now],
] as const)('a sign-in is refused as %s and the peer is told', (status, issued) => {
  const world = new World()
  const a = world.peer('a', 'ann', [])
  a.ticket = ticketFor(a.identity, 'ann', issued(START), 3600_000)
  if (status === 'clock') world.now += 6 * 60_000
  world.signIn(a)
  expect(a.welcome?.status).toBe(status)
  expect(a.session).toBeUndefined()
})

test('a peer whose clock was four minutes ahead is taken again as soon as it is right', () => {
  const world = new World(2)
  const a = world.peer('a', 'ann', ['home'])
  const AHEAD_MS = 4 * 60_000
  const knock = (at: number, node = world.nodes[0]!) => {
    const out = new Batch(1)
    world.inject(a.signIn(node, at, out), a.address, node.address)
    world.run(500)
    return a.welcome?.status
  }
  expect(knock(world.now + AHEAD_MS)).toBe('welcome')
  world.run(3000)
  expect(knock(world.now)).toBe('welcome')
  expect(a.session?.state).toBe('open')
  expect(knock(world.now, world.nodes[1]!)).toBe('welcome')
  world.run(1000)
  expect(a.session?.state).toBe('open')
  expect(world.tables.presence.get(a.id)?.node).toBe(world.nodes[1]!.id)
})

test('a ticket of another key and a broken one are told apart, and a revoked peer is sent away', () => {
  const world = new World()
  const [a, b] = [world.peer('a', 'ann', []), world.peer('b', 'bob', [])]
  a.ticket = b.ticket
  world.signIn(a)
  expect(a.welcome?.status).toBe('otherKey')
  a.ticket = `${b.ticket.slice(0, -4)}AAAA`
  world.signIn(a)
  expect(a.welcome?.status).toBe('invalid')
  world.tables.revoke(b.id)
  world.signIn(b)
  expect(b.session?.reason).toBe('revoked')
  expect(world.tables.presence.get(b.id)).toBeUndefined()
})

test('under load a sign-in needs the cookie that was sent to its address', () => {
  const world = new World()
  const a = world.peer('a', 'ann', [])
  const noise = new Uint8Array(150)
  for (let i = 0; i < 200; i++)
    world.inject(Uint8Array.of(0x51, KIND.SIGN_IN, ...noise), FAR, world.nodes[0]!.address)
  world.signIn(a, world.nodes[0]!, 100)
  expect(a.welcome).toBeUndefined()
  expect(a.cookie.some((byte) => byte > 0)).toBe(true)
  const { counters } = world.nodes[0]!.machine
  expect(counters.cookies).toBe(1)
  a.index--
  world.signIn(a, world.nodes[0]!, 100)
  expect(a.welcome?.status).toBe('welcome')
})

test('what counts as load is what the node is told', () => {
  const world = new World(1, { cookiesAbove: 1 })
  const [a, b] = [world.peer('a', 'ann', []), world.peer('b', 'bob', [])]
  for (const peer of [a, b]) world.signIn(peer, world.nodes[0]!, 100)
  expect([a.welcome?.status, b.welcome]).toEqual(['welcome', undefined])
  expect(world.nodes[0]!.machine.counters.cookies).toBe(1)
})

test('the newer session of a peer ends the older one, at the same node and at another', () => {
  const world = new World(2)
  const a = world.peer('a', 'ann', ['home'])
  world.signIn(a)
  world.signIn(a)
  expect(world.nodes[0]!.machine.sessions).toBe(1)
  world.signIn(a, world.nodes[1]!)
  expect(world.nodes.map(({ machine }) => machine.sessions)).toEqual([0, 1])
  expect(world.tables.presence.get(a.id)?.node).toBe(world.nodes[1]!.id)
})

test('a session older than the one the directory has is told that it was replaced', () => {
  const world = new World(2)
  const a = world.peer('a', 'ann', ['home'])
  world.signIn(a, world.nodes[1]!)
  const item = world.tables.presence.get(a.id)!
  world.tables.presence.set(a.id, { ...item, since: item.since + 1000 })
  world.signIn(a)
  expect(a.session?.state).toBe('left')
  expect(a.session?.reason).toBe('replaced')
  expect(world.nodes[0]!.machine.sessions).toBe(0)
})

test('tables that do not answer delay a sign-in and lose nothing', () => {
  const world = new World()
  const a = world.peer('a', 'ann', ['home'])
  world.failing.add('joinNetworks').add('signIn')
  world.signIn(a)
  world.run(5000)
  expect(world.tables.presence.get(a.id)).toBeUndefined()
  expect(a.session?.state).toBe('open')
  world.failing.clear()
  world.run(2500)
  expect(world.tables.presence.get(a.id)?.node).toBe(world.nodes[0]!.id)
})

test('a node at its capacity, and one that drains, send peers elsewhere', () => {
  const world = new World(1, { capacity: 1 })
  const [a, b] = [world.peer('a', 'ann', []), world.peer('b', 'bob', [])]
  world.signIn(a)
  world.signIn(b)
  expect(b.welcome?.status).toBe('draining')
  world.handle(world.nodes[0]!, { kind: 'drain' })
  world.run(100)
  expect(a.session?.reason).toBe('draining')
  expect(world.drained).toEqual([])
})

test('a drained node says so when the last peer has moved', () => {
  const world = new World(2)
  const a = world.peer('a', 'ann', [])
  world.signIn(a)
  world.handle(world.nodes[0]!, { kind: 'drain' })
  world.run(100)
  world.signIn(a, world.nodes[1]!)
  world.run(10_000)
  expect(world.drained).toEqual([world.nodes[0]!.id])
})

test('an old ticket brings back no network that was left, neither by a new session nor as the next ticket', () => {
  const world = new World(2)
  const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', ['home', 'work'])]
  world.signIn(a)
  world.write((tables) => tables.setRole(networkId('home'), userId('bob'), null))
  world.signIn(b, world.nodes[1]!)
  expect(world.tables.presence.get(b.id)?.networks).toEqual([networkId('work')])
  b.send(FRAME.TICKET, encodeTicket(Buffer.from(b.ticket)))
  world.run(5000)
  expect(world.tables.presence.get(b.id)?.networks).toEqual([networkId('work')])
  b.say(a, 1, 'still here?', world.now)
  a.status('busy')
  world.run(2000)
  expect(b.receipts).toMatchObject([{ outcome: 'unknownPeer' }])
  expect(b.presences).toEqual([])
})

test('whom a user blocked since the ticket was made does not reach it in the next session', () => {
  const world = new World()
  const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', ['home'])]
  world.write((tables) => tables.setBlocks(userId('ann'), [b.id]))
  world.signIn(a)
  world.signIn(b)
  b.say(a, 1, 'hello', world.now)
  world.run(500)
  expect(b.receipts).toMatchObject([{ outcome: 'stored' }])
  expect(a.texts).toEqual([])
})

test('a peer that was revoked while its session was half open does not come in', () => {
  const world = new World()
  const a = world.peer('a', 'ann', ['home'])
  world.fate = (bytes) => (bytes[1] === KIND.SEALED ? [100] : [10])
  world.signIn(a, world.nodes[0]!, 50)
  expect(a.welcome?.status).toBe('welcome')
  world.tables.revoke(a.id)
  world.run(1000)
  expect(a.session?.reason).toBe('revoked')
  expect(world.tables.presence.get(a.id)).toBeUndefined()
})
