/** Members that use more than their share of a relay. */
import { describe, expect, test } from 'vitest'
import { makeClaim } from '../../../shared/core/relay/claim.ts'
import { type Grant, grantKey, sealGrant } from '../../../shared/crypto/grant.ts'
import { Random } from '../../../shared/crypto/random.ts'
import {
  type NetworkId,
  type PeerId,
  peerIdOf,
  type TunnelId,
  toBase32,
  type UserId,
} from '../../../shared/ids.ts'
import { decodeRelay, encodeRelay } from '../../../shared/wire/relay.ts'
import { FLEET_KEY, GRANT_MS, START, World } from './world.ts'

const random = new Random(new Uint8Array(32).fill(4))
const somebody = (): PeerId => peerIdOf(random.bytes(32))
const networkOf = (name: string) => `n_${name.padEnd(16, 'a')}` as NetworkId
const userOf = (name: string) => `u_${name.padEnd(16, 'a')}` as UserId

interface Member {
  readonly peer: PeerId
  readonly user?: UserId
  readonly network?: NetworkId
}

let ports = 0
/** Binds a leg, by default the first one of a new tunnel, and returns the relay's answer. */
function bind(
  world: World,
  { peer, user, network }: Member,
  leg: 0 | 1 = 0,
  tunnel = toBase32(random.bytes(16)),
  other = somebody(),
) {
  const grant: Grant = {
    ...{ tunnel: tunnel as TunnelId, leg, self: peer, other, user, network },
    expiresAt: START + GRANT_MS * 100,
  }
  const sealed = sealGrant(FLEET_KEY, 'relay', grant, random.bytes(24))
  const claim = makeClaim('bind', world.now, { grant: sealed, key: grantKey(FLEET_KEY, 'relay', grant) })
  const from = `203.0.${113 + (ports >> 14)}.7:${1024 + (ports++ & 0x3fff)}`
  const [answer] = world.send(from, encodeRelay(claim))
  return answer === undefined ? undefined : { from, answer: decodeRelay(answer.bytes)! }
}

/** Makes a tunnel with both addresses proven. Returns the addresses of its two sides. */
function pairOf(world: World, a: Member, b: Member): readonly [string, string] {
  const tunnel = toBase32(random.bytes(16))
  const sides = [bind(world, a, 0, tunnel, b.peer)!, bind(world, b, 1, tunnel, a.peer)!]
  for (const { from, answer } of sides)
    if (answer.op === 'bound') world.send(from, encodeRelay({ op: 'confirm', token: answer.token }))
  return [sides[0]!.from, sides[1]!.from]
}

/** Returns how many of `count` BINDs are answered. They are sent slowly enough for the rate limit of claims. */
function bindMany(world: World, count: number, member: (i: number) => Member): number {
  let bound = 0
  for (let i = 0; i < count; i++) {
    if (i % 100 === 0) world.advance(5000)
    if (bind(world, member(i)) !== undefined) bound++
  }
  return bound
}

describe('legs', () => {
  const IDLE_MS = 1e9

  test('one pair that wants all of them gets a small part, and others find room', () => {
    const world = new World({ maxTunnels: 4096, idleMs: IDLE_MS })
    const greedy = { peer: somebody() }
    expect(bindMany(world, 4096, () => greedy)).toBe(128)
    expect(world.relay.counters.refused.quota).toBe(4096 - 128)
    expect(bindMany(world, 200, () => ({ peer: somebody() }))).toBe(200)
  })

  test('a user with many peers gets a small part too', () => {
    const world = new World({ maxTunnels: 1024, idleMs: IDLE_MS })
    expect(bindMany(world, 1000, () => ({ peer: somebody(), user: userOf('mal') }))).toBe(128)
    expect(bindMany(world, 10, () => ({ peer: somebody(), user: userOf('fay') }))).toBe(10)
  })

  test('when the relay is crowded the owner with many loses admission first', () => {
    const world = new World({ maxTunnels: 512, idleMs: IDLE_MS })
    const users = Array.from({ length: 6 }, (_, i) => userOf('bcdefq'[i]!))
    for (const user of users) bindMany(world, 64, () => ({ peer: somebody(), user }))
    const late = userOf('late')
    const crowd = bindMany(world, 40, () => ({ peer: somebody(), user: users[0]! }))
    const newcomer = bindMany(world, 20, () => ({ peer: somebody(), user: late }))
    expect([crowd, newcomer]).toEqual([0, 20])
    for (const name of 'ghijklmnop') {
      const few = bindMany(world, 200, () => ({ peer: somebody(), user: userOf(name) }))
      expect(few).toBeGreaterThan(0)
    }
  })

  test('a network whose members are very many does not keep out those of another one', () => {
    const world = new World({ maxTunnels: 512, idleMs: IDLE_MS })
    const member = (name: string) => () => ({ peer: somebody(), network: networkOf(name) })
    bindMany(world, 1, member('few'))
    const crowd = bindMany(world, 512, member('mal'))
    expect(crowd).toBeLessThan(400)
    expect(bindMany(world, 40, member('few'))).toBe(40)
    expect(bindMany(world, 40, member('mal'))).toBe(0)
  })

  test('a network that is alone gets all of them', () => {
    const world = new World({ maxTunnels: 512, idleMs: IDLE_MS })
    const alone = () => ({ peer: somebody(), network: networkOf('all') })
    expect(bindMany(world, 400, alone)).toBe(400)
    expect(world.relay.counters.refused.quota).toBe(0)
  })

  test('are free again when they end', () => {
    const world = new World({ maxTunnels: 1024, idleMs: 60_000 })
    const peer = { peer: somebody() }
    expect(bindMany(world, 64, () => peer)).toBe(32)
    world.advance(200_000)
    expect(bindMany(world, 32, () => peer)).toBe(32)
  })

  test('that fill all tunnels with one side each are told as full load', () => {
    const world = new World({ maxTunnels: 200, idleMs: IDLE_MS })
    bindMany(world, 100, () => ({ peer: somebody() }))
    expect(world.relay.load).toBeCloseTo(0.5)
    bindMany(world, 100, () => ({ peer: somebody() }))
    expect(world.relay.load).toBe(1)
  })
})

describe('traffic', () => {
  const PACKET = new Uint8Array(1000)

  /** Sends at each rate for some seconds. Returns what arrived in the last three. */
  function carried(world: World, rates: readonly (readonly [from: string, to: string, perSecond: number])[]) {
    const through = rates.map(() => 0)
    for (let tick = 0; tick < 80; tick++) {
      for (const [i, [from, to, perSecond]] of rates.entries()) {
        const sent = world.send(from, ...Array.from({ length: perSecond / 10 }, () => PACKET))
        if (tick >= 50)
          through[i]! += sent.filter((each) => each.to === to && each.bytes.length === 1000).length
      }
      world.advance(100)
    }
    return through.map((count) => Math.round(count / 3))
  }

  test('of one peer is at most half of what the relay carries', () => {
    const world = new World({ maxBytesPerSecond: 1_000_000 })
    const [a, b] = pairOf(world, { peer: somebody() }, { peer: somebody() })
    const [packets] = carried(world, [[a, b, 2000]])
    expect(packets).toBeGreaterThan(450)
    expect(packets).toBeLessThanOrEqual(510)
    expect(world.relay.counters.overQuota).toBeGreaterThan(1000)
  })

  test('of two networks is shared equally when the relay is busy, however many members send', () => {
    const world = new World({ maxBytesPerSecond: 1_000_000 })
    const tunnel = (name: string) =>
      pairOf(
        world,
        { peer: somebody(), network: networkOf(name) },
        { peer: somebody(), network: networkOf(name) },
      )
    const crowd = Array.from({ length: 9 }, () => [...tunnel('mal'), 200] as const)
    const one = [...tunnel('few'), 400] as const
    const packets = carried(world, [...crowd, one])
    expect(packets.at(-1)).toBeGreaterThan(250)
    const alone = new World({ maxBytesPerSecond: 1_000_000 })
    const sides = Array.from({ length: 4 }, () =>
      pairOf(alone, { peer: somebody(), network: networkOf('all') }, { peer: somebody() }),
    )
    const through = carried(
      alone,
      sides.map(([a, b]) => [a, b, 250] as const),
    )
    expect(through.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(850)
  })

  test('of a peer with many tunnels is shared by all of them', () => {
    const world = new World({ maxBytesPerSecond: 1_000_000 })
    const greedy = { peer: somebody() }
    const tunnels = Array.from({ length: 10 }, () => pairOf(world, greedy, { peer: somebody() }))
    const packets = carried(
      world,
      tunnels.map(([a, b]) => [a, b, 200] as const),
    )
    expect(packets.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(520)
  })

  test('is shared out when the relay is busy: who asks for little gets it', () => {
    const world = new World({ maxBytesPerSecond: 1_000_000 })
    const pairs = Array.from({ length: 5 }, () => pairOf(world, { peer: somebody() }, { peer: somebody() }))
    const rates = pairs.map(([a, b], i) => [a, b, i === 0 ? 100 : 1000] as const)
    const [modest, ...greedy] = carried(world, rates)
    expect(modest).toBe(100)
    for (const each of greedy) expect(each).toBeLessThanOrEqual(520)
    expect(world.relay.load).toBeGreaterThan(0.8)
  })

  test('of small packets is bounded by their number', () => {
    const world = new World({ maxPacketsPerSecond: 1000 })
    const [a, b] = pairOf(world, { peer: somebody() }, { peer: somebody() })
    expect(carried(world, [[a, b, 2000]])[0]).toBeLessThanOrEqual(510)
    expect(world.relay.load).toBeGreaterThan(0.4)
  })

  test('is not renewed by giving a leg up and binding it again', () => {
    const world = new World({ maxBytesPerSecond: 1_000_000 })
    const [peer, other] = [{ peer: somebody() }, { peer: somebody() }]
    let through = 0
    for (let second = 0; second < 10; second++) {
      const [a, b] = pairOf(world, peer, other)
      const sent = world.send(a, ...Array.from({ length: 2000 }, () => PACKET))
      through += sent.filter(({ to }) => to === b).length
      world.advance(1000)
    }
    expect(through).toBeLessThanOrEqual(500 * 11)
  })
})
