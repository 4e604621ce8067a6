/** After every gap in a node's pushes, what it tells its peers and what it lets them do is correct again. */
import { describe, expect, test } from 'vitest'
import type { TunnelId } from '../../../shared/ids.ts'
import { NOWHERE } from '../../../shared/wire/address.ts'
import { FRAME } from '../../../shared/wire/numbers.ts'
import { encodeOffer } from '../../../shared/wire/offers.ts'
import { networkId, START, userId, World } from './world.ts'

const TUNNEL = `${'t'.repeat(25)}a` as TunnelId
const NOISE = new Uint8Array(96)
const HOME = networkId('home')

describe('a node that was taken for dead', () => {
  function taken() {
    const world = new World()
    const node = world.nodes[0]!
    const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', ['home'])]
    for (const peer of [a, b]) world.signIn(peer)
    world.write((tables) => tables.endLease(node.id))
    world.publishFleet()
    return { world, node, a, b }
  }

  test('is told of its networks again', () => {
    const { world, node, a, b } = taken()
    world.handle(node, { kind: 'leaseLost' })
    world.run(2000)
    expect(world.tables.nodesOf(HOME)).toEqual([node.id])
    a.status('busy')
    world.run(1000)
    expect(b.presences.at(-1)).toMatchObject({ peer: a.id, status: 'busy' })
  })

  test('reads what networks let tunnels use, if that changed meanwhile', () => {
    const { world, node, a, b } = taken()
    world.write((tables) => tables.setPaths(HOME, 'relay-only'))
    world.handle(node, { kind: 'leaseLost' })
    world.run(2000)
    const port = new Uint32Array(5)
    port.set(b.address.words)
    b.send(FRAME.OFFER, encodeOffer({ tunnel: TUNNEL, peer: a.id, noise: NOISE, expected: { words: port } }))
    world.run(200)
    expect(a.offers.map(({ expected }) => expected)).toEqual([NOWHERE])
  })

  test('hands over mail that came meanwhile', () => {
    const { world, node, a, b } = taken()
    const number = { from: b.id, epoch: 1, sequence: 1, previous: 0, previousIsStored: false }
    const message = { ...number, sentAt: START, body: Buffer.from('hello') }
    world.write((tables) =>
      tables.answer({ kind: 'storeMail', peer: a.id, user: userId('ann'), message, now: START }),
    )
    world.handle(node, { kind: 'leaseLost' })
    world.run(2000)
    expect(a.texts).toEqual(['hello'])
  })

  test('and hears nothing while its networks cannot be joined believes nothing for longer than five seconds', () => {
    const { world, node, a, b } = taken()
    world.failing.add('joinNetworks')
    world.handle(node, { kind: 'leaseLost' })
    world.run(10_000)
    world.tables.setRole(HOME, userId('bob'), null)
    while (world.tables.poll() !== undefined);
    world.run(5000)
    b.say(a, 1, 'still a member?', world.now)
    world.run(2000)
    expect(a.texts).toEqual([])
  })
})

describe('peers are told that they may have missed something', () => {
  function pair() {
    const world = new World()
    const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', ['home'])]
    for (const peer of [a, b]) world.signIn(peer)
    return { world, node: world.nodes[0]!, a, b }
  }

  test('once, after the connection to the gateway was away, and not before they hear of everything again', () => {
    const { world, node, a, b } = pair()
    world.run(5000)
    expect([a.missed, b.missed]).toEqual([0, 0])
    world.cutOff(node)
    a.status('busy')
    world.run(1000)
    expect(b.presences.filter(({ status }) => status === 'busy')).toEqual([])
    world.failing.add('standings')
    world.connect(node)
    world.run(3000)
    expect([a.missed, b.missed]).toEqual([0, 0])
    world.failing.clear()
    world.run(3000)
    expect([a.missed, b.missed]).toEqual([1, 1])
    a.status('away')
    world.run(60_000)
    expect(b.presences.at(-1)).toMatchObject({ peer: a.id, status: 'away' })
    expect([a.missed, b.missed]).toEqual([1, 1])
  })

  test('and who was removed meanwhile hears of no change in the network before that is known', () => {
    const { world, node, a, b } = pair()
    world.cutOff(node)
    world.write((tables) => tables.setRole(HOME, userId('bob'), null))
    world.failing.add('standings')
    world.connect(node)
    const change = { entity: 'network', id: HOME, networks: [HOME], value: { topic: 'secret' } } as const
    world.handle(node, { kind: 'push', push: { kind: 'metadata', ...change } })
    world.run(1000)
    world.failing.clear()
    world.run(5000)
    expect([a, b].map(({ changes, missed }) => [changes, missed])).toEqual([
      [[], 1],
      [[], 1],
    ])
    world.handle(node, { kind: 'push', push: { kind: 'metadata', ...change } })
    world.run(1000)
    expect([a, b].map(({ changes }) => changes.length)).toEqual([1, 0])
  })

  test('once, after their node was taken for dead', () => {
    const { world, node, a, b } = pair()
    world.write((tables) => tables.endLease(node.id))
    world.handle(node, { kind: 'leaseLost' })
    world.run(5000)
    expect([a.missed, b.missed]).toEqual([1, 1])
  })

  test('when news of more peers came than wait for a slow one, as soon as there is room', () => {
    const { world, a } = pair()
    const isCut = { now: true }
    world.fate = (_, __, to) => (isCut.now && to.startsWith('198.51.100.1:') ? [] : [10])
    flood(world, 300)
    world.run(2000)
    expect(a.missed).toBe(0)
    isCut.now = false
    world.run(20_000)
    expect(a.missed).toBe(1)
  })
})

/** Brings `count` peers online at the same moment. */
function flood(world: World, count: number): void {
  const digit = (n: number) => 'abcdefghij'[n]!
  for (let i = 0; i < count; i++) {
    const name = [...`${1000 + i}`].map((each) => digit(Number(each))).join('')
    const peer = world.peer(name, name, ['home'], [], `203.0.${113 + (i >> 8)}.${i & 255}:4000`)
    const record = {
      ...({ peer: peer.id, user: userId(name), status: 'online', custom: '', metadata: {} } as const),
      ...{ since: START, version: 1, lastSeenAt: START },
    }
    const push = { kind: 'presence', record, networks: [HOME] } as const
    world.handle(world.nodes[0]!, { kind: 'push', push })
  }
}
