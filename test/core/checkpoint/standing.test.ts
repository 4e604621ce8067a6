/** Nothing that a peer sends takes effect before its standing is known. After every gap the standing is fetched again. */
import { describe, expect, test } from 'vitest'
import type { TunnelId } from '../../../shared/ids.ts'
import { LIMITS } from '../../../shared/limits.ts'
import { NOWHERE } from '../../../shared/wire/address.ts'
import { FRAME } from '../../../shared/wire/numbers.ts'
import { encodeAnswer, encodeOffer, encodeRejoin } from '../../../shared/wire/offers.ts'
import { encodeFind } from '../../../shared/wire/presence.ts'
import { encodeTicket } from '../../../shared/wire/session.ts'
import type { ScriptedPeer } from './scripted-peer.ts'
import { ASK_MS, networkId, START, ticketFor, userId, World } from './world.ts'

const TUNNEL = `${'t'.repeat(25)}a` as TunnelId
const NOISE = new Uint8Array(96)
const HOME = networkId('home')

/** Sends everything that a peer can say to or about another. */
function sayEverything(from: ScriptedPeer, to: ScriptedPeer): void {
  const between = { tunnel: TUNNEL, peer: to.id, noise: NOISE, expected: NOWHERE }
  from.say(to, 1, 'let me in', START)
  from.send(FRAME.OFFER, encodeOffer(between))
  from.send(FRAME.ANSWER, encodeAnswer({ ...between, outcome: 'accepted' }))
  from.send(FRAME.REJOIN, encodeRejoin({ tunnel: TUNNEL, peer: to.id, leg: 0 }))
  from.send(FRAME.FIND, encodeFind({ request: 1, limit: 10, filter: 'status eq "online"' }))
}

/** Lists everything by which it has heard of another peer. */
const heardBy = ({ messages, offers, answers, rejoins, found }: ScriptedPeer, of: ScriptedPeer) =>
  [
    ...messages,
    ...offers,
    ...answers.filter(({ outcome }) => outcome === 'accepted'),
    ...rejoins.filter(({ direction }) => direction !== undefined),
    ...found.filter(({ status }) => status !== 'offline'),
  ].filter(({ peer }) => peer === of.id)

describe.each([0, 1])('with a victim at node %i', (place) => {
  function village() {
    const world = new World(2)
    const [victim, thief] = [world.peer('v', 'vic', ['home']), world.peer('t', 'tom', ['home'])]
    world.signIn(victim, world.nodes[place]!)
    return { world, victim, thief }
  }

  test.each<[string, (world: World, thief: ScriptedPeer) => void]>([
    ['removed from its network', ({ tables }) => tables.setRole(HOME, userId('tom'), null)],
    ['revoked', ({ tables }, { id }) => tables.revoke(id)],
    ['blocked', ({ tables }, { id }) => tables.setBlocks(userId('vic'), [id])],
    ['of a blocked user', ({ tables }) => tables.setBlocks(userId('vic'), [userId('tom')])],
  ])('a peer %s says everything in its first datagram, and the victim hears nothing', (_, change) => {
    const { world, victim, thief } = village()
    change(world, thief)
    world.write(() => {})
    world.run(100)
    thief.firstWords = () => sayEverything(thief, victim)
    world.signIn(thief)
    world.run(5000)
    expect(heardBy(victim, thief)).toEqual([])
    expect(heardBy(thief, victim)).toEqual([])
    expect(thief.presences.filter(({ status }) => status !== 'offline')).toEqual([])
    expect(world.tables.mailOf(victim.id)).toEqual([])
  })

  test('what a member says in its first datagram arrives as soon as it is known to be one', () => {
    const { world, victim, thief: friend } = village()
    friend.firstWords = () => sayEverything(friend, victim)
    world.signIn(friend)
    expect(victim.texts).toEqual(['let me in'])
    expect(victim.offers).toHaveLength(1)
    expect(friend.found.map(({ peer }) => peer)).toEqual([victim.id])
  })
})

test('a peer that says too much before it is known loses the rest, and its session', () => {
  const world = new World()
  const [victim, flood] = [world.peer('v', 'vic', ['home']), world.peer('f', 'flo', ['home'])]
  world.signIn(victim)
  world.failing.add('signIn')
  flood.firstWords = () => {
    for (let i = 1; i <= 200; i++) flood.say(victim, i, `${i}`, START)
  }
  world.signIn(flood)
  world.run(3000)
  const { dropped } = world.nodes[0]!.machine.counters
  expect(dropped).toBe(200 - 64)
  expect(victim.texts).toEqual([])
  world.failing.clear()
  world.run(3000)
  expect(victim.texts).toHaveLength(64)
})

test('a change while a peer signs in is not lost between the reading and the first push', () => {
  const world = new World()
  const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', ['home'])]
  world.signIn(a)
  world.failing.add('joinNetworks')
  world.write((tables) => tables.setRole(networkId('work'), userId('bob'), 'member'))
  b.firstWords = () => b.say(a, 1, 'hello', START)
  world.signIn(b, world.nodes[0]!, 100)
  world.write((tables) => tables.setRole(HOME, userId('bob'), null))
  world.run(100)
  world.failing.clear()
  world.run(3000)
  expect(a.texts).toEqual([])
  expect(b.receipts).toMatchObject([{ outcome: 'unknownPeer' }])
})

test('a ticket says who, whatever else somebody signs into it', () => {
  const world = new World()
  const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', [])]
  world.signIn(a)
  world.signIn(b)
  b.send(FRAME.TICKET, encodeTicket(Buffer.from(ticketFor(b.identity, 'ann', START, LIMITS.ticketMs))))
  b.say(a, 1, 'I am you', START)
  world.run(500)
  expect(a.texts).toEqual([])
})

describe('after a gap in the pushes', () => {
  /** Two peers at the first node, whose connection is cut, and one at the second. */
  function cutOff() {
    const world = new World(2)
    const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', ['home'])]
    const c = world.peer('c', 'cat', ['home'])
    for (const peer of [a, b]) world.signIn(peer)
    world.signIn(c, world.nodes[1]!)
    world.cutOff(world.nodes[0]!)
    return { world, a, b, c, node: world.nodes[0]! }
  }

  const losses: [string, (world: World, b: ScriptedPeer) => void, string | undefined][] = [
    ['revocation', ({ tables }, { id }) => tables.revoke(id), 'revoked'],
    ['removal', ({ tables }) => tables.setRole(HOME, userId('bob'), null), undefined],
    ['block', ({ tables }, { id }) => tables.setBlocks(userId('ann'), [id]), undefined],
  ]

  test.each(losses)('a lost %s holds before anything more comes of the peer', (_, change, reason) => {
    const { world, a, b, node } = cutOff()
    change(world, b)
    world.write(() => {})
    world.run(200)
    world.connect(node)
    sayEverything(b, a)
    world.run(2000)
    expect(heardBy(a, b)).toEqual([])
    expect(b.session?.reason).toBe(reason)
  })

  test.each(losses)('a lost %s holds within seconds while the gateway stays away', (_, change, reason) => {
    const { world, a, b } = cutOff()
    change(world, b)
    world.write(() => {})
    world.run(5100)
    sayEverything(b, a)
    world.run(2000)
    expect(heardBy(a, b)).toEqual([])
    expect(b.session?.reason).toBe(reason)
  })

  test('a peer that says nothing is found out too', () => {
    const { world, b, node } = cutOff()
    world.tables.revoke(b.id)
    world.write(() => {})
    world.connect(node)
    world.run(500)
    expect(b.session?.reason).toBe('revoked')
    expect(world.tables.presence.get(b.id)?.node).toBeUndefined()
  })

  test('a network that was joined meanwhile is joined', () => {
    const { world, b, node } = cutOff()
    world.tables.setRole(networkId('work'), userId('bob'), 'member')
    world.write(() => {})
    world.connect(node)
    world.run(3000)
    expect(world.tables.nodesOf(networkId('work'))).toEqual([node.id])
    expect(world.tables.presence.get(b.id)?.networks).toEqual([HOME, networkId('work')])
  })

  test('mail that came meanwhile is handed over', () => {
    const { world, a, node } = cutOff()
    const message = {
      from: a.id,
      epoch: 1,
      sequence: 1,
      previous: 0,
      previousIsStored: false,
      sentAt: START,
      body: Buffer.from('hello'),
    }
    world.write((tables) =>
      tables.answer({ kind: 'storeMail', peer: a.id, user: userId('ann'), message, now: START }),
    )
    world.run(5000)
    expect(a.texts).toEqual([])
    world.connect(node)
    world.run(1000)
    expect(a.texts).toEqual(['hello'])
  })

  test('what its networks let tunnels use holds', () => {
    const { world, a, b, node } = cutOff()
    world.write((tables) => tables.setPaths(HOME, 'relay-only'))
    world.run(200)
    world.connect(node)
    world.run(100)
    const port = new Uint32Array(5)
    port.set(b.address.words)
    b.send(FRAME.OFFER, encodeOffer({ tunnel: TUNNEL, peer: a.id, noise: NOISE, expected: { words: port } }))
    world.run(200)
    expect(a.offers.map(({ expected }) => expected)).toEqual([NOWHERE])
  })

  test('a node with a full house reads all standings in large batches, at a steady pace', () => {
    const world = new World(1, { cookiesAbove: 10_000 })
    const PEERS = 300
    const peers = Array.from({ length: PEERS }, (_, i) => {
      const at = `198.51.${100 + (i >> 8)}.${i & 255}:4000`
      return world.peer(
        `p${i}`,
        `p${i}`.replaceAll(/\d/g, (digit) => 'abcdefghij'[Number(digit)]!),
        ['home'],
        [],
        at,
      )
    })
    for (const peer of peers) world.signIn(peer, world.nodes[0]!, 0)
    world.run(5000)
    expect(world.nodes[0]!.machine.sessions).toBe(PEERS)
    world.cutOff(world.nodes[0]!)
    world.run(1000)
    world.tables.revoke(peers[PEERS - 1]!.id)
    world.asked.length = 0
    world.connect(world.nodes[0]!)
    world.run(ASK_MS + 100)
    const early = world.asked.filter((kind) => kind === 'standings').length
    expect(early).toBeLessThanOrEqual(3)
    world.run(2000)
    expect(world.asked.filter((kind) => kind === 'standings')).toHaveLength(PEERS / 100)
    expect(peers[PEERS - 1]!.session?.reason).toBe('revoked')
  })
})
