import { describe, expect, test } from 'vitest'
import type { RelayEffect } from '../../../shared/core/relay/relay-machine.ts'
import { formatAddress } from '../../../shared/wire/address.ts'
import { encodeRelay } from '../../../shared/wire/relay.ts'
import { deliver, Peer, pair, START, World } from './world.ts'

const A = '203.0.113.1:1000'
const B = '203.0.113.2:2000'
const DATA = Buffer.from('any packet')

/** Returns what the kernel was told since the last call. */
function told(world: World): string[] {
  return world.effects.splice(0).flatMap((effect) => textOf(effect) ?? [])
}

function textOf(effect: RelayEffect): string | undefined {
  switch (effect.kind) {
    case 'offload':
      return `offload ${effect.pair} ${effect.addresses.map(({ words }) => formatAddress(words)).join(' ')}`
    case 'withdraw':
      return `withdraw ${effect.pair}`
    case 'mute':
    case 'unmute':
      return `${effect.kind} ${effect.leg}`
    default:
      return undefined
  }
}

function worldWithKernel(options?: ConstructorParameters<typeof World>[0]): World {
  const world = new World(options)
  world.handle({ kind: 'kernel', isForwarding: true })
  return world
}

const heard = (world: World, leg: number | undefined, packets: number, bytes: number, muted = 0) =>
  world.handle({ kind: 'offloaded', traffic: [{ leg, packets, bytes, muted }] })

describe('a pair of legs', () => {
  test('is handed to the kernel when both addresses are proven, and not before', () => {
    const world = worldWithKernel()
    pair(world)
    expect(told(world)).toEqual([`offload 0 ${A} ${B}`])
    const [a] = world.tunnel().legs
    const alone = new Peer(world, '203.0.113.9:9', a)
    deliver(world, [alone], alone.start())
    expect(told(world)).toEqual([])
  })

  test.each([
    ['of two address families', A, '[2001:db8::2]:2000'],
    ['of which one has no UDP', A, '[100::2]:2000'],
  ])('%s stays with the process', (_, first, second) => {
    const world = worldWithKernel()
    const [a, b] = pair(world, first, second)
    expect(told(world)).toEqual([])
    expect(world.send(a.address, DATA).map(({ to }) => to)).toEqual([b.address])
  })

  test('comes back when a leg uses another port of the relay, because the kernel knows the own one only', () => {
    const world = worldWithKernel()
    const [a, b] = pair(world)
    told(world)
    const [kept] = world.sendThrough(1, a.address, encodeRelay({ op: 'keep' }))
    expect([kept!.socket, told(world)]).toEqual([1, ['withdraw 0']])
    expect(world.send(b.address, DATA).map(({ to, socket }) => [to, socket])).toEqual([[a.address, 1]])
    world.send(a.address, encodeRelay({ op: 'keep' }))
    expect(told(world)).toEqual([`offload 0 ${A} ${B}`])
  })

  test('of IPv6 is handed over like one of IPv4', () => {
    const world = worldWithKernel()
    pair(world, '[2001:db8::1]:1000', '[2001:db8::2]:2000')
    expect(told(world)).toEqual(['offload 0 [2001:db8::1]:1000 [2001:db8::2]:2000'])
  })

  test('that was there before the kernel could forward is handed over then, once', () => {
    const world = new World()
    pair(world)
    expect(told(world)).toEqual([])
    world.handle({ kind: 'kernel', isForwarding: true })
    expect(told(world)).toEqual([`offload 0 ${A} ${B}`])
  })

  test('that the kernel let fall is forwarded by the process', () => {
    const world = worldWithKernel()
    pair(world)
    world.handle({ kind: 'kernel', isForwarding: false })
    expect(world.send(A, DATA).map(({ to }) => to)).toEqual([B])
    told(world)
    pair(world, '203.0.113.1:1001', '203.0.113.2:2001')
    expect(told(world)).toEqual([])
  })

  test('is withdrawn when a leg is released', () => {
    const world = worldWithKernel()
    const [a] = pair(world)
    told(world)
    deliver(world, [], a.release())
    expect(told(world)).toEqual(['withdraw 0'])
  })

  test('is withdrawn when a leg moves, and handed over again when the new address is proven', () => {
    const world = worldWithKernel()
    const [a, b] = pair(world)
    told(world)
    a.address = '203.0.113.1:5555'
    const bound = a.start().flatMap(({ bytes }) => world.send(a.address, bytes))
    expect(told(world)).toEqual(['withdraw 0'])
    deliver(world, [a, b], bound)
    expect(told(world)).toEqual([`offload 0 203.0.113.1:5555 ${B}`])
  })

  test('is withdrawn when the relay ends', () => {
    const world = worldWithKernel()
    pair(world)
    told(world)
    world.handle({ kind: 'drain', until: START })
    expect(told(world)).toEqual(['withdraw 0'])
  })
})

describe('what the kernel forwarded', () => {
  test('counts as if it had come to the process, and keeps its leg alive', () => {
    const world = worldWithKernel()
    pair(world)
    for (let minute = 0; minute < 5; minute++) {
      heard(world, 0, 10, 1000)
      heard(world, 1, 1, 50)
      world.advance(50_000)
    }
    expect(world.relay.counters).toMatchObject({ packets: 55, bytes: 5250, offloaded: 55, ended: 0 })
    world.advance(120_000)
    expect(world.effects).toContainEqual(
      expect.objectContaining({ kind: 'ended', leg: 0, reason: 'idle', packets: 50, bytes: 5000 }),
    )
  })

  test('does not keep a silent leg alive', () => {
    const world = worldWithKernel()
    pair(world)
    for (let minute = 0; minute < 3; minute++) {
      heard(world, 0, 10, 1000)
      heard(world, 1, 0, 0)
      world.advance(50_000)
    }
    expect(world.effects).toContainEqual(expect.objectContaining({ kind: 'ended', leg: 1, reason: 'idle' }))
    expect(told(world)).toContain('withdraw 0')
  })

  test('is counted where its pair was withdrawn meanwhile, and charged to nobody', () => {
    const world = worldWithKernel()
    const [a] = pair(world)
    deliver(world, [], a.release())
    heard(world, undefined, 7, 700)
    heard(world, 0, 7, 700)
    expect(world.relay.counters).toMatchObject({ packets: 14, bytes: 1400 })
  })
})

describe('an owner that sends more than its part through the kernel', () => {
  const limits = { maxPacketsPerSecond: 1000 }

  test('is muted, alone, until the allowance is there again', () => {
    const world = worldWithKernel(limits)
    pair(world)
    told(world)
    heard(world, 0, 400, 400)
    heard(world, 1, 400, 400)
    expect(told(world)).toEqual([])
    world.advance(1000)
    heard(world, 0, 3000, 3000)
    heard(world, 1, 300, 300)
    expect(told(world)).toEqual(['mute 0'])
    world.advance(3000)
    heard(world, 0, 0, 0, 500)
    expect(told(world)).toEqual([])
    expect(world.relay.counters.overQuota).toBe(500)
    world.advance(3000)
    expect(told(world)).toEqual(['unmute 0'])
  })

  test('is heard of as alive while it is muted', () => {
    const world = worldWithKernel(limits)
    pair(world)
    heard(world, 0, 100_000, 100_000)
    for (let second = 0; second < 90; second++) {
      heard(world, 0, 0, 0, 500)
      heard(world, 1, 1, 1)
      world.advance(1000)
    }
    expect(world.relay.counters.ended).toBe(0)
  })

  test('leaves no muted leg behind when its pair is withdrawn', () => {
    const world = worldWithKernel(limits)
    const [a] = pair(world)
    heard(world, 0, 100_000, 100_000)
    expect(told(world)).toEqual([`offload 0 ${A} ${B}`, 'mute 0'])
    deliver(world, [], a.release())
    world.advance(10_000)
    expect(told(world)).toEqual(['withdraw 0'])
  })
})
