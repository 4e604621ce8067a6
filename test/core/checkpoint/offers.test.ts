import { expect, test } from 'vitest'
import { openGrant } from '../../../shared/crypto/grant.ts'
import type { TunnelId } from '../../../shared/ids.ts'
import { type Address, addressOf, formatAddress, isNowhere } from '../../../shared/wire/address.ts'
import { FRAME } from '../../../shared/wire/numbers.ts'
import {
  type AnswerOutcome,
  type Direction,
  encodeAnswer,
  encodeOffer,
  encodeRejoin,
} from '../../../shared/wire/offers.ts'
import { ASK_MS, FLEET_KEY, networkId, userId, World } from './world.ts'

const TUNNEL = 'abcdefghijklmnopqrstuvwxye' as TunnelId
const NOISE_1 = new Uint8Array(100).fill(1)
const NOISE_2 = new Uint8Array(60).fill(2)
type Peer = ReturnType<World['peer']>

const port = (port: number): Address => ({ words: Uint32Array.of(0, 0, 0, 0, port) })
const answersOf = ({ answers }: Peer) => answers.filter(({ outcome }) => outcome !== 'ringing')

const offer = (from: Peer, to: Peer, expected = port(0)): void =>
  from.send(FRAME.OFFER, encodeOffer({ tunnel: TUNNEL, peer: to.id, noise: NOISE_1, expected }))

const answer = (from: Peer, to: Peer, outcome: AnswerOutcome = 'accepted', expected = port(0)): void =>
  from.send(FRAME.ANSWER, encodeAnswer({ tunnel: TUNNEL, peer: to.id, outcome, noise: NOISE_2, expected }))

const rejoin = (from: Peer, to: Peer, leg: 0 | 1): void =>
  from.send(FRAME.REJOIN, encodeRejoin({ tunnel: TUNNEL, peer: to.id, leg }))

function pair(nodes = 2) {
  const world = new World(nodes)
  const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', ['home'])]
  world.signIn(a)
  world.signIn(b, world.nodes[nodes - 1]!)
  return { world, a, b }
}

const granted = (direction: Direction | undefined) => openGrant([FLEET_KEY], 'handshake', direction!.grant)

test.each([1, 2])('over %i node(s) an accepted offer leads both sides to the same HANDSHAKE', (nodes) => {
  const { world, a, b } = pair(nodes)
  offer(a, b)
  world.run(200)
  expect(b.offers).toMatchObject([{ tunnel: TUNNEL, peer: a.id, noise: NOISE_1 }])
  expect(a.answers).toMatchObject([{ tunnel: TUNNEL, peer: b.id, outcome: 'ringing' }])
  answer(b, a)
  world.run(200)
  expect(answersOf(a)).toMatchObject([{ tunnel: TUNNEL, peer: b.id, outcome: 'accepted', noise: NOISE_2 }])
  const [early, mine, theirs] = [...a.answers, b.offers[0]!].map(({ direction }) => direction)
  expect(mine?.handshake.map(({ words }) => formatAddress(words))).toEqual(
    theirs?.handshake.map(({ words }) => formatAddress(words)),
  )
  expect(granted(early)).toMatchObject({ tunnel: TUNNEL, leg: 0, self: a.id, other: b.id, key: early!.key })
  expect(granted(mine)).toMatchObject({ tunnel: TUNNEL, leg: 0, self: a.id, other: b.id, key: mine!.key })
  expect(granted(theirs)).toMatchObject({ tunnel: TUNNEL, leg: 1, self: b.id, other: a.id, key: theirs!.key })
})

test.each([
  'rateLimited',
  'policy',
  'unavailable',
  'offline',
  'unknownPeer',
] as const)('who receives an offer cannot say in the place of a node that it is %s', (outcome) => {
  const world = new World(2)
  const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', ['home'])]
  world.signIn(a)
  world.signIn(b, world.nodes[1]!)
  offer(a, b)
  world.run(300)
  answer(b, a, outcome)
  world.run(300)
  expect(b.offers).toHaveLength(1)
  expect(answersOf(a)).toEqual([])
  answer(b, a, 'refused')
  world.run(300)
  expect(answersOf(a)).toMatchObject([{ outcome: 'refused' }])
})

test('an offer that is answered within five milliseconds does not ring', () => {
  for (const [delayMs, rings] of [
    [2, false],
    [3, true],
  ] as const) {
    const { world, a, b } = pair()
    world.fate = () => [delayMs]
    offer(a, b)
    world.run(3 * delayMs + ASK_MS)
    expect(b.offers).toHaveLength(1)
    answer(b, a)
    world.run(200)
    expect(a.answers.map(({ outcome }) => outcome)).toEqual(rings ? ['ringing', 'accepted'] : ['accepted'])
  }
})

test('a refusal carries the other side’s reason and no direction', () => {
  const { world, a, b } = pair()
  offer(a, b)
  world.run(200)
  answer(b, a, 'refused')
  world.run(200)
  expect(answersOf(a)).toMatchObject([{ outcome: 'refused', noise: NOISE_2 }])
  expect(answersOf(a)[0]?.direction).toBeUndefined()
})

test.each([
  1, 2,
])('over %i node(s) each side hears at which port of its address the other expects to be', (nodes) => {
  const { world, a, b } = pair(nodes)
  offer(a, b, addressOf('203.0.113.99', 40_001)!)
  world.run(200)
  answer(b, a, 'accepted', addressOf('203.0.113.99', 40_002)!)
  world.run(200)
  const seen = [b.offers[0]!, answersOf(a)[0]!].map(({ expected }) => formatAddress(expected.words))
  expect(seen).toEqual(['198.51.100.1:40001', '198.51.100.2:40002'])
})

test('who refuses, and who is at the same address, is expected nowhere', () => {
  const { world, a, b } = pair()
  offer(a, b)
  world.run(200)
  answer(b, a, 'refused', port(40_002))
  world.run(200)
  const c = world.peer('c', 'cat', ['home'], [], '198.51.100.1:4001')
  world.signIn(c)
  offer(a, c, port(40_001))
  world.run(200)
  expect([...b.offers, ...answersOf(a), ...c.offers].map(({ expected }) => isNowhere(expected))).toEqual([
    true,
    true,
    true,
  ])
})

test.each([
  1, 2,
])('over %i node(s), in a network that lets none be direct, neither hears where the other is', (nodes) => {
  const { world, a, b } = pair(nodes)
  world.write((tables) => tables.setPaths(networkId('home'), 'relay-only'))
  world.run(200)
  offer(a, b, port(40_001))
  world.run(200)
  answer(b, a, 'accepted', port(40_002))
  world.run(200)
  const told = [...b.offers, ...answersOf(a)]
  expect(told.map(({ expected }) => isNowhere(expected))).toEqual([true, true])
  expect(granted(answersOf(a)[0]!.direction)).toMatchObject({ paths: 'relay-only' })
})

test('a repeated offer is passed on again, and may be answered again', () => {
  const { world, a, b } = pair()
  for (let i = 0; i < 2; i++) {
    offer(a, b)
    world.run(200)
    answer(b, a)
    world.run(200)
  }
  expect(b.offers).toHaveLength(2)
  expect(answersOf(a).map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted'])
})

test('a peer that has just moved is not taken for offline: the next repeat finds it', () => {
  const { world, a, b } = pair(3)
  offer(a, b)
  world.run(200)
  world.signIn(b, world.nodes[1]!)
  b.offers.length = 0
  offer(a, b)
  world.run(200)
  expect([answersOf(a), b.offers]).toEqual([[], []])
  offer(a, b)
  world.run(200)
  expect(b.offers).toHaveLength(1)
})

test('an answer reaches only who made the offer', () => {
  const { world, a, b } = pair()
  const c = world.peer('c', 'cat', ['home'])
  world.signIn(c)
  answer(b, a)
  offer(a, b)
  world.run(200)
  answer(c, a)
  answer(b, c)
  world.run(200)
  expect([...answersOf(a), ...c.answers]).toEqual([])
})

test('an offer that cannot come to anything is answered by the node', () => {
  const world = new World()
  const a = world.peer('a', 'ann', ['home'])
  const [offline, stranger] = [world.peer('b', 'bob', ['home']), world.peer('c', 'cat', ['work'])]
  const blocking = world.peer('d', 'dan', ['home'], [a.id])
  const blockingUser = world.peer('e', 'eve', ['home'], [userId('ann')])
  const invisible = world.peer('f', 'fay', ['home'])
  invisible.firstStatus = { status: 'invisible', metadata: {} }
  for (const peer of [a, stranger, blocking, blockingUser, invisible]) world.signIn(peer)
  for (const peer of [offline, stranger, blocking, blockingUser, invisible]) {
    offer(a, peer)
    world.run(100)
  }
  expect(a.answers.map(({ outcome }) => outcome)).toEqual([
    'offline',
    'unknownPeer',
    'offline',
    'offline',
    'offline',
  ])
  expect([blocking, blockingUser, invisible].flatMap(({ offers }) => offers)).toEqual([])
})

test('an invisible peer is there for the other devices of its user', () => {
  const world = new World()
  const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'ann', ['home'])]
  b.firstStatus = { status: 'invisible', metadata: {} }
  world.signIn(a)
  world.signIn(b)
  offer(a, b)
  world.run(200)
  expect(b.offers).toHaveLength(1)
})

test('without a HANDSHAKE an offer is answered as unavailable', () => {
  const { world, a, b } = pair()
  for (const node of world.nodes) world.handle(node, { kind: 'fleet', nodes: [] })
  offer(a, b)
  world.run(200)
  expect(a.answers.map(({ outcome }) => outcome)).toEqual(['unavailable'])
})

test('more offers than a peer may make are answered as too many', () => {
  const { world, a, b } = pair()
  for (let i = 0; i < 250; i++) {
    offer(a, b)
    world.run(10)
  }
  expect(a.answers.map(({ outcome }) => outcome)).toContain('rateLimited')
})

test('a rejoin gives both sides a new direction, each for its own leg', () => {
  const { world, a, b } = pair()
  rejoin(b, a, 1)
  world.run(200)
  expect(granted(b.rejoins[0]?.direction)).toMatchObject({ leg: 1, self: b.id, other: a.id })
  expect(granted(a.rejoins[0]?.direction)).toMatchObject({ leg: 0, self: a.id, other: b.id })
})

test('rejoins one after the other lead to another HANDSHAKE each, as the last one may be dead', () => {
  const { world, a, b } = pair()
  for (const [from, to, leg] of [
    [a, b, 0],
    [a, b, 0],
    [b, a, 1],
  ] as const) {
    rejoin(from, to, leg)
    world.run(200)
  }
  const places = a.rejoins.map(({ direction }) => formatAddress(direction!.handshake[0]!.words))
  expect(places).toHaveLength(3)
  expect(places[1]).not.toBe(places[0])
  expect(places[2]).toBe(places[0])
  expect(b.rejoins.map(({ direction }) => formatAddress(direction!.handshake[0]!.words))).toEqual(places)
})

test('a rejoin towards a peer that is at no node is answered without a direction', () => {
  const world = new World(2)
  const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', ['home'])]
  world.signIn(a)
  rejoin(a, b, 1)
  world.run(200)
  expect(a.rejoins).toEqual([{ tunnel: TUNNEL, peer: b.id, leg: 1 }])
})

test.each([
  1, 2,
])('over %i node(s) a peer that does not know a tunnel says so to the one that asked', (nodes) => {
  const { world, a, b } = pair(nodes)
  const refused = { tunnel: TUNNEL, outcome: 'refused', noise: new Uint8Array(0), expected: port(0) } as const
  b.send(FRAME.ANSWER, encodeAnswer({ ...refused, peer: a.id }))
  world.run(200)
  expect(a.answers).toEqual([])
  rejoin(a, b, 0)
  world.run(200)
  b.send(FRAME.ANSWER, encodeAnswer({ ...refused, peer: a.id }))
  world.run(200)
  expect(a.answers).toMatchObject([{ ...refused, peer: b.id }])
})

test('the grant of the offering side names a network that the two share, always the same one', () => {
  const world = new World(2)
  const [a, b] = [world.peer('a', 'ann', ['work', 'home', 'club']), world.peer('b', 'bob', ['home', 'work'])]
  world.signIn(a)
  world.signIn(b, world.nodes[1]!)
  offer(a, b)
  world.run(200)
  expect(granted(a.answers[0]?.direction)?.network).toBe(networkId('home'))
})
