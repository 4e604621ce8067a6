import { describe, expect, test } from 'vitest'
import type { HandshakeEffect } from '../../../shared/core/handshake/events.ts'
import { HandshakeMachine } from '../../../shared/core/handshake/handshake-machine.ts'
import { type ClientEvent, HandshakeClient } from '../../../shared/core/tunnel/handshake-client.ts'
import { DIRECTION_MS, type Grant, grantKey, openGrant, sealGrant } from '../../../shared/crypto/grant.ts'
import { Random } from '../../../shared/crypto/random.ts'
import type { FleetItem } from '../../../shared/directory.ts'
import { type NodeId, peerIdOf, type TunnelId, toBase32 } from '../../../shared/ids.ts'
import type { Paths } from '../../../shared/paths.ts'
import { type Address, formatAddress, parseAddress, sameAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import type { Direction } from '../../../shared/wire/offers.ts'
import { type Profile, UNKNOWN_PROFILE } from '../../../shared/wire/profile.ts'

const FLEET_KEY = new Uint8Array(32).fill(1)
const NODE = parseAddress('192.0.2.1:4001')!
const PEERS = [peerIdOf(new Uint8Array(32).fill(11)), peerIdOf(new Uint8Array(32).fill(12))]
const random = new Random(new Uint8Array(32).fill(3))

const lease = (node: string, relay: string, change: Partial<FleetItem> = {}): FleetItem => ({
  node: node as NodeId,
  roles: ['relay'],
  publicKey: '',
  addresses: { relay: [relay] },
  load: 0.5,
  draining: false,
  startedAt: 0,
  expiresAtSeconds: 0,
  ...change,
})
const RELAY_ONE = lease('node_one', '192.0.2.11:4002')
const RELAY_TWO = lease('node_two', '198.51.100.12:4002', { load: 0.6 })

const tunnelOf = (n: number) => toBase32(new Uint8Array(16).fill(n)) as TunnelId

function direction(leg: 0 | 1, change: Partial<Grant> = {}, fleetKey = FLEET_KEY): Direction {
  const grant: Grant = {
    tunnel: tunnelOf(1),
    leg,
    self: PEERS[leg]!,
    other: PEERS[1 - leg]!,
    expiresAt: 1e9,
    ...change,
  }
  return {
    handshake: [NODE],
    key: grantKey(fleetKey, 'handshake', grant),
    grant: sealGrant(fleetKey, 'handshake', grant, random.bytes(24)),
  }
}

/** A peer at an address, with the real client. */
class Peer {
  readonly client: HandshakeClient
  readonly events: ClientEvent[] = []
  readonly address: Address

  constructor(text: string) {
    this.address = parseAddress(text)!
    this.client = new HandshakeClient(random.fork(text), 0)
  }

  profile(change: Partial<Profile> = {}): Profile {
    const candidates = [{ kind: 'reflexive', address: this.address } as const]
    return { ...UNKNOWN_PROFILE, mapping: 'independent', ready: true, candidates, ...change }
  }

  drain(): void {
    for (let event = this.client.event(); event !== undefined; event = this.client.event())
      this.events.push(event)
  }

  last<K extends ClientEvent['kind']>(kind: K): Extract<ClientEvent, { kind: K }> | undefined {
    return this.events.findLast((event): event is Extract<ClientEvent, { kind: K }> => event.kind === kind)
  }
}

interface WireSetting {
  readonly fleet?: FleetItem[]
  readonly maxPairs?: number
  /** Address of peer `a`. */
  readonly first?: string
}

/** A HANDSHAKE and peers joined without delay, unless a test holds datagrams back. */
class Wire {
  now = 1000
  readonly machine: HandshakeMachine
  readonly effects: HandshakeEffect[] = []
  readonly a: Peer
  readonly b = new Peer('203.0.113.2:40000')
  /** Every datagram sent to the node. */
  readonly up: { readonly bytes: Uint8Array; readonly from: Address }[] = []
  lossy = false

  constructor({ fleet = [RELAY_ONE], maxPairs = 100, first }: WireSetting = {}) {
    this.a = new Peer(first ?? '203.0.113.1:40000')
    this.machine = new HandshakeMachine({
      seed: new Uint8Array(32).fill(5),
      fleetKeys: [FLEET_KEY],
      node: 'node_own' as NodeId,
      maxPairs,
    })
    if (fleet.length > 0) this.machine.handle({ kind: 'fleet', items: fleet }, new Batch(4), this.now)
  }

  join(peer: Peer, leg: 0 | 1, profile: Partial<Profile> = {}, way: Direction = direction(leg)): void {
    peer.client.join(way, peer.profile(profile), this.now)
    this.settle()
  }

  joinBoth(paths: Paths = 'auto'): void {
    this.join(this.a, 0, { paths })
    this.join(this.b, 1, { paths })
  }

  /** Delivers datagrams until nobody has any more to send now. */
  settle(): this {
    for (let busy = true; busy; ) {
      busy = false
      for (const peer of [this.a, this.b]) {
        const out = new Batch(4)
        peer.client.tick(out, this.now)
        peer.drain()
        for (let i = 0; i < out.count; i++) busy = this.give(out.at(i).slice(), peer.address) > 0 || busy
      }
    }
    return this
  }

  /**
   * Sends one datagram to the node from any address and delivers what the node sends. Returns the bytes sent back to the
   * sender.
   */
  give(bytes: Uint8Array, from: Address): number {
    this.up.push({ bytes, from })
    const [arrived, out] = [new Batch(1), new Batch(4)]
    arrived.push(bytes, from.words)
    this.machine.receive(arrived, out, this.now)
    return this.#deliver(out, from)
  }

  pass(ms: number): this {
    for (const end = this.now + ms; this.now < end; this.now += 50) {
      const out = new Batch(4)
      this.machine.tick(out, this.now)
      this.#deliver(out, NODE)
      this.settle()
    }
    return this
  }

  /** Makes the peers report the outcome of their current step. */
  report(outcome: 'direct' | 'failed'): this {
    for (const peer of [this.a, this.b]) {
      const { step } = peer.last('step')!.step
      peer.client.report({ step, outcome, reached: { words: new Uint32Array(5) }, elapsedMs: 1, packets: 1 })
    }
    return this.settle()
  }

  #deliver(out: Batch, sender: Address): number {
    let back = 0
    for (let i = 0; i < out.count; i++) {
      if (sameAddress(out.address, i * 5, sender.words, 0)) back += out.length[i]!
      const peer = [this.a, this.b].find(({ address }) => sameAddress(address.words, 0, out.address, i * 5))
      const arrived = new Batch(4)
      arrived.push(out.at(i), NODE.words)
      if (!this.lossy) peer?.client.take(arrived, 0, this.now)
      peer?.drain()
    }
    for (let effect = this.machine.poll(); effect !== undefined; effect = this.machine.poll())
      this.effects.push(effect)
    return back
  }
}

describe('joining', () => {
  test('tells the side that accepts where it was seen, and of a relay before the other side is there', () => {
    const wire = new Wire()
    wire.join(wire.b, 1)
    expect(formatAddress(wire.b.last('observed')!.observed.words)).toBe('203.0.113.2:40000')
    expect(formatAddress(wire.b.last('relayed')!.relayed.relay.words)).toBe('192.0.2.11:4002')
    expect(wire.b.last('step')).toBeUndefined()
  })

  test('tells the side that offers where it was seen, and all else when the other one has accepted', () => {
    const wire = new Wire()
    wire.join(wire.a, 0)
    wire.pass(30_000)
    expect(new Set(wire.a.events.map(({ kind }) => kind))).toEqual(new Set(['observed', 'alone']))
    wire.join(wire.b, 1)
    expect(formatAddress(wire.a.last('relayed')!.relayed.relay.words)).toBe('192.0.2.11:4002')
    expect(wire.a.last('step')).toBeDefined()
  })

  test('gives each side a grant of its own at the same relay', () => {
    const wire = new Wire({ fleet: [RELAY_ONE, RELAY_TWO] })
    wire.joinBoth()
    const relayed = [wire.a, wire.b].map((peer) => peer.last('relayed')!.relayed)
    expect(relayed[0]!.relay).toEqual(relayed[1]!.relay)
    for (const [leg, { grant, key }] of relayed.entries()) {
      const opened = openGrant([FLEET_KEY], 'relay', grant)
      expect(opened).toMatchObject({ tunnel: tunnelOf(1), leg, self: PEERS[leg], other: PEERS[1 - leg], key })
    }
  })

  test('is answered with no more bytes than it had, and nothing else is sent before it is confirmed', () => {
    const wire = new Wire()
    wire.lossy = true
    wire.a.client.join(direction(0), UNKNOWN_PROFILE, wire.now)
    const out = new Batch(4)
    wire.a.client.tick(out, wire.now)
    const join = out.at(0).slice()
    const back = wire.give(join, wire.a.address)
    expect(back).toBeGreaterThan(0)
    expect(back).toBeLessThanOrEqual(join.length)
    const more = new Batch(4)
    wire.machine.tick(more, wire.now + 100_000)
    expect(more.count).toBe(0)
  })

  test('from the IP that the grant names is believed at once: all is told with the answer', () => {
    const wire = new Wire()
    const fresh = (peer: Peer, leg: 0 | 1) => {
      return direction(leg, { from: peer.address, expiresAt: wire.now + DIRECTION_MS })
    }
    const told = [wire.a, wire.b].map((peer, leg) => {
      const known = peer.profile({ forgiving: true })
      const candidates = [{ kind: 'host', address: peer.address } as const]
      peer.client.join(fresh(peer, leg as 0 | 1), { ...known, candidates }, wire.now)
      const out = new Batch(4)
      peer.client.tick(out, wire.now)
      wire.give(out.at(0).slice(), peer.address)
      return peer.events.map(({ kind }) => kind)
    })
    expect(told).toEqual([['observed'], ['observed', 'relayed', 'step']])
    expect(wire.a.last('relayed')).toBeDefined()
    expect(formatAddress(wire.b.last('step')!.step.targets[0]!.words)).toBe(
      formatAddress(wire.a.address.words),
    )
  })

  test.each([
    ['from another IP than the grant names', { from: parseAddress('203.0.113.3:40000')! }, 0],
    ['with a grant that others may have seen long ago', { from: parseAddress('203.0.113.2:1')! }, -60_000],
  ])('%s has to be confirmed', (_what, grant, ageMs) => {
    const wire = new Wire()
    const way = direction(1, { ...grant, expiresAt: wire.now + DIRECTION_MS + ageMs })
    wire.b.client.join(way, wire.b.profile(), wire.now)
    const out = new Batch(4)
    wire.b.client.tick(out, wire.now)
    wire.give(out.at(0).slice(), wire.b.address)
    expect(wire.b.events.map(({ kind }) => kind)).toEqual(['observed'])
    wire.settle()
    expect(wire.b.last('relayed')).toBeDefined()
  })

  test('that was believed is answered again, with the same keys, until its session is used', () => {
    const wire = new Wire()
    wire.lossy = true
    wire.join(wire.b, 1, {}, direction(1, { from: wire.b.address, expiresAt: wire.now + DIRECTION_MS }))
    wire.pass(600)
    wire.lossy = false
    wire.pass(1500)
    expect(wire.b.client.state).toBe('joined')
    expect(wire.b.last('relayed')).toBeDefined()
    expect(wire.machine.counters).toMatchObject({ joins: 1, replayed: 0 })
  })

  test('that was believed and is never used gets no more than a few datagrams, and is forgotten', () => {
    const wire = new Wire()
    wire.lossy = true
    wire.join(wire.a, 0, {}, direction(0, { from: wire.a.address, expiresAt: wire.now + DIRECTION_MS }))
    wire.a.client.leave('leaving', new Batch(4), wire.now)
    const [out, counts] = [new Batch(64), { bytes: 0 }]
    for (let ms = 0; ms < 100_000; ms += 50) wire.machine.tick(out, wire.now + ms)
    for (let i = 0; i < out.count; i++) counts.bytes += out.length[i]!
    expect(counts.bytes).toBeLessThan(1500)
    expect(wire.machine.load).toBe(0)
  })

  test('leaves a side where it was answered, whatever source its later datagrams have', () => {
    const wire = new Wire()
    wire.join(wire.a, 0)
    const victim = parseAddress('198.51.100.99:53')!
    wire.a.client.update(wire.a.profile({ hops: 3 }))
    const out = new Batch(4)
    wire.a.client.tick(out, wire.now)
    wire.give(out.at(0).slice(), victim)
    wire.join(wire.b, 1, { mapping: 'addressAndPort' })
    const targets = wire.b.last('step')?.step.targets ?? []
    expect(targets.map(({ words }) => formatAddress(words))).not.toContain(formatAddress(victim.words))
  })

  test('in the name of a victim, and once more from the own address, does not make the victim the place where it was seen', () => {
    const wire = new Wire()
    const victim = parseAddress('198.51.100.99:53')!
    wire.a.client.join(direction(0), wire.a.profile(), wire.now)
    const out = new Batch(4)
    wire.a.client.tick(out, wire.now)
    wire.give(out.at(0).slice(), victim)
    wire.give(out.at(0).slice(), wire.a.address)
    wire.settle()
    wire.join(wire.b, 1, { mapping: 'addressAndPort' })
    const step = wire.b.last('step')!.step
    expect(step.targets.map(({ words }) => formatAddress(words))).toEqual(['203.0.113.1:40000'])
  })

  test('that was believed is sent at most three times its bytes before a datagram under its keys comes', () => {
    const wire = new Wire()
    wire.lossy = true
    const neighbour = parseAddress('203.0.113.2:53')!
    const sent = new Batch(256)
    let came = 0
    wire.join(wire.a, 0)
    for (let n = 0; n < 8; n++) {
      const way = direction(1, { from: wire.b.address, expiresAt: wire.now + DIRECTION_MS + n })
      wire.b.client.join(way, wire.b.profile(), wire.now)
      const [out, arrived] = [new Batch(4), new Batch(1)]
      wire.b.client.tick(out, wire.now)
      arrived.push(out.at(0), neighbour.words)
      came += arrived.length[0]!
      wire.machine.receive(arrived, sent, wire.now)
      for (const end = wire.now + 4000; wire.now < end; wire.now += 50) wire.machine.tick(sent, wire.now)
    }
    const went = Array.from({ length: sent.count }, (_, i) => i)
      .filter((i) => sameAddress(sent.address, i * 5, neighbour.words, 0))
      .reduce((sum, i) => sum + sent.length[i]!, 0)
    expect(went).toBeLessThanOrEqual(3 * came)
  })

  test('names candidates of others, and nobody is made to send there', () => {
    const wire = new Wire()
    const others = ['127.0.0.1:9', '255.255.255.255:9', '224.0.0.251:5353', '169.254.169.254:80']
    others.push('192.168.1.250:161', '8.8.8.8:53', '203.0.113.9:40000')
    const kinds = ['host', 'reflexive', 'mapped'] as const
    const named = others.flatMap((text) => kinds.map((kind) => ({ kind, address: parseAddress(text)! })))
    wire.join(wire.a, 0, { candidates: [{ kind: 'reflexive', address: wire.a.address }, ...named] })
    wire.join(wire.b, 1)
    const targets: string[] = []
    for (let step = 0; step < 5; step++) {
      targets.push(...wire.b.last('step')!.step.targets.map(({ words }) => formatAddress(words)))
      wire.report('failed')
    }
    expect(targets).toContain('203.0.113.1:40000')
    expect(others.filter((text) => targets.includes(text))).toEqual([])
  })

  test('is let in although 1,000 forged ones come in its name', () => {
    const wire = new Wire()
    wire.a.client.join(direction(0, {}, new Uint8Array(32).fill(2)), wire.a.profile(), wire.now)
    const out = new Batch(4)
    wire.a.client.tick(out, wire.now)
    for (let i = 0; i < 1000; i++) wire.give(out.at(0).slice(), wire.a.address)
    wire.join(wire.a, 0)
    expect(wire.machine.counters).toMatchObject({ joins: 1, refused: 1000, limited: 0 })
  })

  test('is repeated until answered, and a repeat changes nothing', () => {
    const wire = new Wire()
    wire.lossy = true
    wire.join(wire.a, 0)
    wire.pass(600)
    wire.lossy = false
    wire.pass(300)
    expect(wire.a.client.state).toBe('joined')
    expect(wire.machine.counters).toMatchObject({ joins: 1, replayed: 0 })
  })

  test('needs a grant of the fleet, for this side, that has not ended', () => {
    const other = new Uint8Array(32).fill(2)
    for (const way of [direction(0, {}, other), direction(0, { expiresAt: 999 })]) {
      const wire = new Wire()
      wire.join(wire.a, 0, {}, way)
      expect(wire.machine.counters).toMatchObject({ joins: 0, refused: 1 })
      expect(wire.a.client.state).toBe('joining')
    }
    const wire = new Wire()
    wire.join(wire.a, 0, {}, { ...direction(0), key: other })
    expect(wire.machine.counters).toMatchObject({ joins: 0, refused: 1 })
  })

  test('for ever more tunnels is refused at some point, earlier where nobody has accepted, and what nobody uses is forgotten', () => {
    const wire = new Wire({ maxPairs: 4 })
    const joined = (peer: Peer, leg: 0 | 1, ...tunnels: number[]) => {
      for (const n of tunnels) wire.join(peer, leg, {}, direction(leg, { tunnel: tunnelOf(n) }))
      return wire.machine.counters
    }
    expect(joined(wire.a, 0, 1, 2, 3, 4)).toMatchObject({ joins: 2, full: 2 })
    expect(joined(wire.b, 1, 5, 6, 7)).toMatchObject({ joins: 4, full: 3 })
    expect(wire.machine.load).toBe(1)
    for (const { client } of [wire.a, wire.b]) client.leave('leaving', new Batch(4), wire.now)
    wire.pass(70_000)
    expect(wire.machine.load).toBe(0)
    expect(joined(wire.a, 0, 8, 9)).toMatchObject({ joins: 6, full: 3 })
    expect(joined(wire.b, 1, 10)).toMatchObject({ joins: 7, full: 3 })
    expect(joined(wire.a, 0, 10)).toMatchObject({ joins: 8, full: 3 })
  })
})

describe('a JOIN that is replayed', () => {
  const replay = (wire: Wire, from: Address) => {
    const joins = wire.up.filter(({ bytes }) => bytes[1] === 0x10)
    return joins.map(({ bytes }) => wire.give(bytes, from))
  }

  test('is refused once its session is confirmed, and disturbs nothing', () => {
    const wire = new Wire()
    wire.joinBoth()
    const steps = wire.a.events.length
    expect(replay(wire, parseAddress('203.0.113.66:6666')!)).toEqual([0, 0])
    expect(wire.machine.counters).toMatchObject({ joins: 2, replayed: 2 })
    wire.report('direct')
    expect(wire.a.events.length).toBeGreaterThan(steps)
    expect(wire.a.last('outcome')?.outcome.path).toBe('direct')
  })

  test('after the pair was forgotten gets one answer, no session and no relay', () => {
    const wire = new Wire()
    wire.joinBoth()
    wire.report('direct').pass(200_000)
    expect(wire.machine.load).toBe(0)
    wire.up.splice(2)
    const answered = replay(wire, parseAddress('203.0.113.66:6666')!)
    expect(answered.every((bytes, i) => bytes <= wire.up[i]!.bytes.length)).toBe(true)
    const joins = wire.machine.counters.joins
    wire.pass(100_000)
    expect([wire.machine.counters.joins, wire.machine.load]).toEqual([joins, 0])
  })
})

describe('a pair', () => {
  test('gets its step as soon as both have joined with their evidence', () => {
    const wire = new Wire()
    wire.joinBoth()
    expect([wire.a, wire.b].map((peer) => peer.last('step')?.step.kind)).toEqual(['punch', 'punch'])
  })

  test('is told the outcome, which is counted and remembered by its networks', () => {
    const wire = new Wire()
    wire.joinBoth()
    wire.report('direct')
    expect(wire.machine.counters.direct).toEqual({ punch: 1 })
    const pair = '203.0.113.1|203.0.113.2'
    expect(wire.effects).toEqual([
      { kind: 'recall', tunnel: tunnelOf(1), pair },
      { kind: 'history', pair, technique: 'punch' },
    ])
  })

  test('is told why not', () => {
    const wire = new Wire()
    wire.join(wire.a, 0, { mapping: 'addressAndPort' })
    wire.join(wire.b, 1, { mapping: 'addressAndPort' })
    const outcome = { path: 'relayed', whyNotDirect: 'both-symmetric' }
    expect([wire.a, wire.b].map((peer) => peer.last('outcome')?.outcome)).toEqual([outcome, outcome])
    expect(wire.machine.counters.relayed).toEqual({ 'both-symmetric': 1 })
  })

  test('is counted by its first attempt, and once more when a later one makes it direct', () => {
    const wire = new Wire()
    const again = (how: 'direct' | 'failed') => {
      wire.pass(60_000)
      wire.joinBoth()
      wire.report(how)
    }
    wire.joinBoth()
    wire.report('failed')
    again('failed')
    again('direct')
    again('direct')
    const { direct, relayed, recovered } = wire.machine.counters
    expect({ direct, relayed, recovered }).toEqual({
      direct: {},
      relayed: { 'probe-timeout': 1 },
      recovered: { punch: 1 },
    })
  })

  test('of which one wants the relay only never hears an address of the other', () => {
    const wire = new Wire()
    wire.join(wire.a, 0, { paths: 'relay-only' })
    wire.join(wire.b, 1)
    expect([wire.a, wire.b].map((peer) => peer.last('step'))).toEqual([undefined, undefined])
    expect(wire.b.last('outcome')?.outcome.whyNotDirect).toBe('policy')
  })

  test('that joins after the other has closed the tunnel is told so', () => {
    const wire = new Wire()
    wire.join(wire.a, 0)
    const out = new Batch(4)
    wire.a.client.leave('closed', out, wire.now)
    wire.give(out.at(0).slice(), wire.a.address)
    wire.join(wire.b, 1)
    wire.pass(50)
    expect(wire.b.last('closed')).toBeDefined()
    expect(wire.b.last('step')).toBeUndefined()
  })

  test('that only ends its session, as its attempt is over, takes nothing from the other', () => {
    const wire = new Wire()
    wire.joinBoth()
    wire.report('failed')
    const out = new Batch(4)
    wire.a.client.leave('leaving', out, wire.now)
    wire.give(out.at(0).slice(), wire.a.address)
    wire.pass(50)
    expect(wire.b.last('closed')).toBeUndefined()
  })

  test('that wants no relay gets none', () => {
    const wire = new Wire()
    wire.joinBoth('direct-only')
    expect([wire.a, wire.b].map((peer) => peer.last('relayed'))).toEqual([undefined, undefined])
    expect(wire.a.last('step')).toBeDefined()
  })

  test('that comes again is tried differently, once both are there', () => {
    const wire = new Wire()
    wire.joinBoth()
    wire.report('failed')
    const first = wire.a.last('step')!.step
    wire.pass(60_000)
    wire.join(wire.a, 0)
    expect(wire.a.last('step')!.step).toEqual(first)
    wire.join(wire.b, 1)
    const second = wire.a.last('step')!.step
    expect(second.step).toBeGreaterThan(first.step)
    expect(second.ttl).not.toBe(first.ttl)
  })

  test('one side of which lost its session in the middle starts afresh with both', () => {
    const wire = new Wire()
    wire.joinBoth()
    const first = wire.b.last('step')!.step.step
    wire.join(wire.a, 0)
    expect(wire.b.last('step')!.step.step).toBeGreaterThan(first)
    wire.report('direct')
    expect(wire.b.last('outcome')?.outcome.path).toBe('direct')
  })

  test('with a newer grant is the same pair', () => {
    const wire = new Wire()
    wire.joinBoth()
    wire.report('failed').pass(20_000)
    wire.join(wire.a, 0, {}, direction(0, { expiresAt: 2e9 }))
    wire.join(wire.b, 1, {}, direction(1, { expiresAt: 2e9 }))
    expect(wire.a.client.state).toBe('joined')
    expect(wire.a.last('step')!.step.step).toBe(2)
  })
})

/** Gives the HANDSHAKE a fleet. Returns how many datagrams it sends because of it. */
function fleetIs(wire: Wire, items: FleetItem[]): number {
  const out = new Batch(4)
  wire.machine.handle({ kind: 'fleet', items }, out, wire.now)
  return out.count
}

/** Returns how often it has asked for the fleet since the last call. */
function looks({ machine, effects }: Wire): number {
  for (let effect = machine.poll(); effect !== undefined; effect = machine.poll()) effects.push(effect)
  return effects.splice(0).filter(({ kind }) => kind === 'lookForNodes').length
}

describe('the relay', () => {
  const relayOf = (wire: Wire) => formatAddress(wire.a.last('relayed')!.relayed.relay.words)
  const chosen = (...fleet: FleetItem[]) => {
    const wire = new Wire({ fleet })
    wire.join(wire.a, 1)
    return relayOf(wire)
  }

  test('is the least loaded one that does not drain', () => {
    expect(chosen(RELAY_TWO, RELAY_ONE)).toBe('192.0.2.11:4002')
    expect(chosen({ ...RELAY_ONE, load: 0.9 }, RELAY_TWO)).toBe('198.51.100.12:4002')
    expect(chosen({ ...RELAY_ONE, draining: true }, RELAY_TWO)).toBe('198.51.100.12:4002')
    expect(chosen({ ...RELAY_ONE, roles: ['stun'] }, RELAY_TWO)).toBe('198.51.100.12:4002')
  })

  test('is named to a side that comes by its family, or is carried, and to no other', () => {
    const relays = (first: string) => {
      const wire = new Wire({ first })
      wire.join(wire.a, 1)
      return wire.a.events.map(({ kind }) => kind)
    }
    expect(relays('203.0.113.1:40000')).toContain('relayed')
    expect(relays('[100::5]:40000')).toContain('relayed')
    expect(relays('[2001:db8::5]:40000')).not.toContain('relayed')
  })

  test('is rather on this node, or near it, unless that is much more loaded', () => {
    const own = lease('node_own', '203.0.113.200:4002', { load: 0.7 })
    expect(chosen(RELAY_ONE, own)).toBe('203.0.113.200:4002')
    expect(chosen(RELAY_ONE, { ...own, load: 0.9 })).toBe('192.0.2.11:4002')
    const near = lease('node_near', '203.0.113.7:4002', { load: 0.6 })
    expect(chosen(RELAY_ONE, near, { ...own, roles: ['handshake'] })).toBe('203.0.113.7:4002')
  })

  test('stays the same from attempt to attempt, but not for a pair that comes again at once', () => {
    const wire = new Wire({ fleet: [RELAY_ONE, RELAY_TWO] })
    wire.joinBoth()
    wire.report('failed').pass(60_000)
    wire.joinBoth()
    expect(relayOf(wire)).toBe('192.0.2.11:4002')
    wire.report('failed').pass(5000)
    wire.joinBoth()
    expect(relayOf(wire)).toBe('198.51.100.12:4002')
    expect(wire.b.last('relayed')!.relayed.relay).toEqual(wire.a.last('relayed')!.relayed.relay)
  })

  test('is told later where there was none at first', () => {
    const wire = new Wire({ fleet: [] })
    wire.joinBoth()
    expect(wire.a.last('relayed')).toBeUndefined()
    expect(wire.machine.counters.withoutRelay).toBeGreaterThan(0)
    const out = new Batch(4)
    wire.machine.handle({ kind: 'fleet', items: [RELAY_ONE] }, out, wire.now)
    expect(out.count).toBe(2)
  })

  test('is looked for again while a side waits for one: the fleet may have changed', () => {
    const wire = new Wire({ fleet: [] })
    wire.joinBoth('relay-only')
    expect(looks(wire)).toBe(1)
    expect(looks(wire.pass(1000))).toBe(0)
    fleetIs(wire, [])
    expect(looks(wire)).toBe(1)
    fleetIs(wire, [RELAY_ONE])
    expect(looks(wire)).toBe(0)
  })

  test('is one that the side can send to', () => {
    const wire = new Wire({ fleet: [lease('node_six', '[2001:db8::9]:4002')] })
    wire.join(wire.a, 1)
    expect(wire.a.last('relayed')).toBeUndefined()
  })
})

describe('draining', () => {
  test('takes no new pair, lets those that are there finish, and says when it is done', () => {
    const wire = new Wire()
    wire.joinBoth()
    wire.machine.handle({ kind: 'drain', until: wire.now + 30_000 }, new Batch(4), wire.now)
    wire.join(new Peer('203.0.113.9:9'), 0, {}, direction(0, { tunnel: tunnelOf(2) }))
    wire.report('direct').pass(1000)
    expect(wire.a.last('outcome')?.outcome.path).toBe('direct')
    expect(wire.effects.at(-1)).toEqual({ kind: 'drained' })
  })

  test('ends what does not finish when its time is over', () => {
    const wire = new Wire()
    wire.join(wire.a, 0)
    wire.machine.handle({ kind: 'drain', until: wire.now + 3000 }, new Batch(4), wire.now)
    wire.pass(2900)
    expect(wire.effects).not.toContainEqual({ kind: 'drained' })
    wire.pass(200)
    expect(wire.effects.at(-1)).toEqual({ kind: 'drained' })
    expect(wire.a.client.state).not.toBe('joined')
  })

  test('is done at once where nobody is', () => {
    const { machine } = new Wire()
    machine.handle({ kind: 'drain', until: 5000 }, new Batch(4), 2000)
    expect(machine.poll()).toEqual({ kind: 'drained' })
  })
})

test('100,000 random and mangled datagrams: nothing is thrown, no answer is longer, the pair lives', () => {
  const wire = new Wire()
  wire.joinBoth()
  const recorded = wire.up.map(({ bytes }) => bytes)
  for (let i = 0; i < 100_000; i++) {
    const stranger = { words: Uint32Array.of(0, 0, 0xffff, random.u32(), 6666) }
    const original = recorded[random.below(recorded.length)]!
    const bytes = random.below(4) === 0 ? random.bytes(random.below(300)) : original.slice()
    for (let n = random.below(3); n >= 0 && bytes.length > 0; n--)
      bytes[random.below(bytes.length)] = random.below(256)
    if (wire.give(bytes, stranger) > bytes.length) throw new Error(`more than ${bytes.length} in return`)
    wire.up.length = 0
  }
  wire.report('direct')
  expect(wire.a.last('outcome')?.outcome.path).toBe('direct')
})

describe('a clock that is wrong', () => {
  test.each([
    2, -2, 720,
  ])('by %i hours refuses nobody once it is right, and ends no pair meanwhile', (hours) => {
    const wire = new Wire()
    const way = (leg: 0 | 1) => direction(leg, { expiresAt: wire.now + DIRECTION_MS })
    wire.join(wire.a, 0, {}, way(0))
    wire.machine.wall.aheadMs = hours * 3_600_000
    wire.settle()
    wire.machine.wall.aheadMs = 0
    wire.join(wire.b, 1, {}, way(1))
    expect(wire.a.last('relayed')).toBeDefined()
    expect(wire.b.last('relayed')).toBeDefined()
    const grant = openGrant([FLEET_KEY], 'relay', wire.b.last('relayed')!.relayed.grant)!
    expect(grant.expiresAt - wire.now).toBe(3_600_000)
  })
})
