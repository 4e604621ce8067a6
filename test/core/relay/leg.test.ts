import { describe, expect, test } from 'vitest'
import { KEEP_MS, SILENCE_MS } from '../../../shared/core/relay/leg.ts'
import { IDLE_MS } from '../../../shared/core/relay/relay-machine.ts'
import { decodeRelay, encodeRelay, type RelayMessage } from '../../../shared/wire/relay.ts'
import { deliver, type Flying, Peer, pair, pass, START, World } from './world.ts'

const A = '203.0.113.1:1000'
const B = '203.0.113.2:2000'
const NEVER = Number.POSITIVE_INFINITY

describe('a leg of a peer', () => {
  test('repeats BIND at 250 ms, 500 ms, .. 2 s, each with a greater stamp, and is lost after six', () => {
    const world = new World()
    const peer = new Peer(world, A, world.tunnel().legs[0])
    const first = peer.start().map(({ bytes }) => ({ at: world.now, message: decodeRelay(bytes) }))
    const sent = [...first, ...untilQuiet(world, peer)]
    expect(sent.map(({ at }) => at - START)).toEqual([0, 250, 750, 1750, 3750, 5750])
    const stamps = sent.map(({ message }) => (message?.op === 'bind' ? message.stamp : 0))
    expect(stamps).toEqual([...new Set(stamps)].toSorted())
    expect(world.now - START).toBe(7750)
    expect([peer.leg.state, peer.leg.deadline()]).toEqual(['lost', NEVER])
  })

  test('begins again after it was lost, when it is asked to', () => {
    const world = new World()
    const peer = new Peer(world, A, world.tunnel().legs[0])
    peer.start()
    untilQuiet(world, peer)
    deliver(world, [peer], peer.start())
    expect(peer.leg.state).toBe('bound')
  })

  test('takes the answer to any BIND of its round, not one of a round before', () => {
    const world = new World()
    const peer = new Peer(world, A, world.tunnel().legs[0])
    const [first] = peer.start()
    const old = world.send(A, first!.bytes)[0]!
    world.now += 250
    peer.tick()
    world.now += 5000
    peer.start()
    expect(peer.take(old.bytes)).toEqual([])
    expect(peer.leg.state).toBe('binding')

    const other = new Peer(world, B, world.tunnel().legs[0])
    const late = world.send(B, other.start()[0]!.bytes)[0]!
    world.now += 250
    other.tick()
    expect(other.take(late.bytes).map(opOf)).toEqual(['confirm'])
    expect(other.leg.state).toBe('bound')
  })

  test('repeats CONFIRM until it hears that the address is proven, and then is quiet', () => {
    const world = new World()
    const peer = new Peer(world, A, world.tunnel().legs[0])
    const [bound] = world.send(A, peer.start()[0]!.bytes)
    expect(peer.take(bound!.bytes).map(opOf)).toEqual(['confirm'])
    world.now = peer.leg.deadline()
    const again = peer.tick()
    expect([world.now - START, again.map(opOf)]).toEqual([250, ['confirm']])
    deliver(world, [peer], again)
    expect(peer.leg.deadline() - world.now).toBe(KEEP_MS)
  })

  test('binds anew when CONFIRM is never answered', () => {
    const world = new World()
    const peer = new Peer(world, A, world.tunnel().legs[0])
    const [bound] = world.send(A, peer.start()[0]!.bytes)
    peer.take(bound!.bytes)
    while (peer.leg.state === 'bound') {
      world.now = peer.leg.deadline()
      peer.tick()
    }
    expect(peer.leg.state).toBe('binding')
  })

  test('keeps itself alive for an hour without data', () => {
    const world = new World()
    const peers = pair(world)
    pass(world, peers, 3600_000)
    expect(world.relay.legs).toBe(2)
    expect(world.effects).toEqual([])
  })

  test('says KEEP no more often than every 15 s when it is idle, and not at all while data flows both ways', () => {
    const world = new World()
    const [a, b] = pair(world)
    world.now = a.leg.deadline() - 1
    expect(a.tick()).toEqual([])
    for (let i = 0; i < 100; i++) {
      world.now += 1000
      deliver(world, [a, b], [a.data(Buffer.from('up')), b.data(Buffer.from('down'))])
      expect(a.leg.deadline()).toBeGreaterThan(world.now)
      expect([...a.tick(), ...b.tick()]).toEqual([])
    }
    expect(a.received).toHaveLength(100)
  })

  test('asks after two seconds of sending without hearing, so that a one-way flow is known to arrive', () => {
    const world = new World()
    const [a, b] = pair(world)
    deliver(world, [a, b], [a.data(Buffer.from('up'))])
    expect(a.leg.deadline()).toBe(world.now + SILENCE_MS)
    world.now = a.leg.deadline()
    const asked = a.tick()
    expect(asked.map(opOf)).toEqual(['keep'])
    deliver(world, [a, b], asked)
    expect(a.leg.deadline()).toBe(world.now + KEEP_MS)
  })

  test('binds from its new address when a NAT changed that, and data flows there again', () => {
    const world = new World()
    const [a, b] = pair(world)
    a.address = '203.0.113.1:4444'
    deliver(world, [a, b], [a.data(Buffer.from('lost'))])
    pass(world, [a, b], SILENCE_MS + 100)
    expect(a.leg.state).toBe('bound')
    deliver(world, [a, b], [b.data(Buffer.from('to the new address'))])
    expect(a.received.map((bytes) => Buffer.from(bytes).toString())).toEqual(['to the new address'])
    expect(world.relay.counters.moved).toBe(1)
  })

  test('binds again when the relay has forgotten it', () => {
    const world = new World()
    const [a, b] = pair(world)
    world.advance(IDLE_MS + 1000)
    expect(world.relay.legs).toBe(0)
    pass(world, [a, b], 1000)
    expect([a.leg.otherBound, b.leg.otherBound]).toEqual([true, true])
  })

  test('does not heed UNBOUND when it has not asked', () => {
    const world = new World()
    const [a] = pair(world)
    expect(a.take(encodeRelay({ op: 'unbound' }))).toEqual([])
    expect(a.leg.state).toBe('bound')
  })

  test('is lost within thirteen seconds of the relay dying under it while it sends', () => {
    const world = new World()
    const [a] = pair(world)
    a.data(Buffer.from('into the void'))
    const diedAt = world.now
    untilQuiet(world, a)
    expect(a.leg.state).toBe('lost')
    expect(world.now - diedAt).toBeLessThanOrEqual(SILENCE_MS + 3000 + 7750)
  })

  test('releases itself once, and does nothing any more', () => {
    const world = new World()
    const [a, b] = pair(world)
    deliver(world, [a, b], a.release())
    expect(world.relay.legs).toBe(1)
    expect(b.leg.otherBound).toBe(false)
    expect([a.leg.state, a.leg.deadline()]).toEqual(['released', NEVER])
    for (const message of ['unbound', 'keep'] as const)
      expect(a.take(encodeRelay({ op: message }))).toEqual([])
    expect([...a.start(), ...a.release()]).toEqual([])
  })

  test('says nothing to the relay when it is released before it has begun or after it was lost', () => {
    const world = new World()
    const [first, second] = world.tunnel().legs
    expect(new Peer(world, A, first).release()).toEqual([])
    const lost = new Peer(world, B, second)
    lost.start()
    untilQuiet(world, lost)
    expect(lost.release()).toEqual([])
  })

  test('hands over everything that is not control', () => {
    const world = new World()
    const [a] = pair(world)
    a.take(Uint8Array.of(0x60, 1, 2, 3))
    a.take(new Uint8Array(0))
    expect(a.received).toHaveLength(2)
  })
})

/** Lets time pass for a peer that nobody answers, and returns what it sends. */
function untilQuiet(world: World, peer: Peer): { at: number; message: RelayMessage | undefined }[] {
  const sent: { at: number; message: RelayMessage | undefined }[] = []
  while (peer.leg.deadline() < NEVER) {
    world.now = peer.leg.deadline()
    sent.push(...peer.tick().map(({ bytes }) => ({ at: world.now, message: decodeRelay(bytes) })))
  }
  return sent
}

const opOf = ({ bytes }: Flying): string | undefined => decodeRelay(bytes)?.op
