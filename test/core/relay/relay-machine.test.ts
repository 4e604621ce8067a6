import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeClaim } from '../../../shared/core/relay/claim.ts'
import { IDLE_MS } from '../../../shared/core/relay/relay-machine.ts'
import { Random } from '../../../shared/crypto/random.ts'
import { BIND_BYTES, decodeRelay, encodeRelay, type RelayMessage } from '../../../shared/wire/relay.ts'
import { type Credentials, deliver, type Flying, GRANT_MS, Peer, pair, START, World } from './world.ts'

const A = '203.0.113.1:1000'
const B = '203.0.113.2:2000'
const ELSEWHERE = '192.0.2.9:9999'
const DATA = Buffer.from('any packet')

describe('a relay', () => {
  test('binds two legs, and each is told when the other is there', () => {
    const [a, b] = pair(new World())
    expect([a.leg.state, b.leg.state]).toEqual(['bound', 'bound'])
    expect([a.leg.otherBound, b.leg.otherBound]).toEqual([true, true])
  })

  test('carries bytes of any kind and length both ways, unchanged', () => {
    const world = new World()
    const [a, b] = pair(world)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2048 }), fc.boolean(), (bytes, upward) => {
        const [from, to] = upward ? [a, b] : [b, a]
        const [arrived, more] = world.send(from.address, bytes)
        expect(more).toBeUndefined()
        expect(arrived!.to).toBe(to.address)
        expect(Buffer.compare(arrived!.bytes, bytes)).toBe(0)
      }),
    )
  })

  test('forwards a whole batch in order', () => {
    const world = new World()
    pair(world)
    const many = Array.from({ length: 300 }, (_, i) => Buffer.from(`packet ${i}`))
    expect(world.send(A, ...many).map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(many.map(String))
  })

  test('carries nothing from where no leg is, nor from a leg that is alone', () => {
    const world = new World()
    expect(world.send(ELSEWHERE, DATA)).toEqual([])
    new Peer(world, A, world.tunnel().legs[0]).start().map(({ bytes }) => world.send(A, bytes))
    expect(world.send(A, DATA)).toEqual([])
    expect(world.relay.counters).toMatchObject({ strange: 1, unpaired: 1, packets: 0 })
  })

  test('never carries between legs of different tunnels', () => {
    const world = new World()
    const tunnels = Array.from({ length: 20 }, (_, i) =>
      pair(world, `203.0.113.1:${1000 + i}`, `203.0.113.2:${1000 + i}`),
    )
    for (const [a, b] of tunnels) {
      expect(world.send(a.address, DATA).map(({ to }) => to)).toEqual([b.address])
      expect(world.send(b.address, DATA).map(({ to }) => to)).toEqual([a.address])
    }
  })

  test('does not pair two grants of one tunnel that name other peers', () => {
    const world = new World()
    const [a] = world.tunnel().legs
    const [, stranger] = world.tunnel().legs
    bind(world, A, a)
    bind(world, B, stranger)
    expect(world.send(A, DATA)).toEqual([])
  })

  test('says how much it forwarded for a leg when that ends', () => {
    const world = new World()
    const [a] = pair(world)
    world.send(A, DATA, DATA)
    deliver(world, [], a.release())
    expect(world.effects).toMatchObject([
      { kind: 'ended', leg: 0, reason: 'released', packets: 2, bytes: 20 },
    ])
  })
})

describe('a claim', () => {
  test('is refused without a grant of this fleet, for another purpose, with another key, or when it has ended', () => {
    const world = new World()
    const [a] = world.tunnel().legs
    const [foreign] = world.tunnel(new Uint8Array(32).fill(2)).legs
    expect(bind(world, A, foreign)).toEqual([])
    expect(bind(world, A, { ...a, key: foreign.key })).toEqual([])
    expect(bind(world, A, { ...a, grant: new Uint8Array(127) })).toEqual([])
    world.advance(GRANT_MS)
    expect(bind(world, A, a)).toEqual([])
    expect(world.relay.counters.refused).toMatchObject({ grant: 2, mac: 1, expired: 1 })
    expect(world.relay.legs).toBe(0)
  })

  test('is taken under an old fleet key while both are known', () => {
    const world = new World()
    const [a, b] = world.tunnel().legs
    const next = new Uint8Array(32).fill(2)
    world.handle({ kind: 'fleet-keys', fleetKeys: [next, new Uint8Array(32).fill(1)] })
    expect(bind(world, A, a)).toHaveLength(1)
    world.handle({ kind: 'fleet-keys', fleetKeys: [next] })
    expect(bind(world, B, b)).toEqual([])
  })

  test('that was seen before is refused from anywhere else, and takes no leg away', () => {
    const world = new World()
    const [a, b] = world.tunnel().legs
    const seen = bindMessage(a, START)
    prove(world, A, world.send(A, seen))
    prove(world, B, bind(world, B, b))
    expect(world.send(ELSEWHERE, seen)).toEqual([])
    expect(world.send(B, DATA).map(({ to }) => to)).toEqual([A])
    expect(world.relay.counters.refused.stamp).toBe(1)
  })

  test('that was seen before is refused after the leg was given up or has ended, while the grant lasts', () => {
    const world = new World()
    const [a, b] = world.tunnel().legs
    const [first, second] = [bindMessage(a, START), bindMessage(b, START)]
    world.send(A, first)
    world.send(B, second)
    world.send(A, encodeRelay(makeClaim('release', START + 1, a)))
    world.advance(IDLE_MS + 1000)
    expect(world.relay.legs).toBe(0)
    expect(world.send(ELSEWHERE, first)).toEqual([])
    expect(world.send(ELSEWHERE, second)).toEqual([])
  })

  test('that the network doubled is answered alike', () => {
    const world = new World()
    const [a] = world.tunnel().legs
    const seen = bindMessage(a, START)
    expect(world.send(A, seen)).toEqual(world.send(A, seen))
  })

  test('with a greater stamp moves the leg at once, which then must prove itself again', () => {
    const world = new World()
    const [a] = pair(world)
    a.address = ELSEWHERE
    const [bound] = world.send(ELSEWHERE, a.start()[0]!.bytes)
    expect(world.send(ELSEWHERE, DATA).map(({ to }) => to)).toEqual([B])
    expect(world.send(A, DATA)).toEqual([])
    expect(sentTo(world, ELSEWHERE, 3000)).toBeLessThanOrEqual(BIND_BYTES + DATA.length)
    deliver(world, [a], [bound!])
    expect(sentTo(world, ELSEWHERE, 3000)).toBe(3000)
    expect(world.relay.counters.moved).toBe(1)
  })

  test('moves a living leg after its grant has ended', () => {
    const world = new World()
    const [a] = pair(world)
    for (let passed = 0; passed <= GRANT_MS; passed += IDLE_MS / 2) {
      world.advance(IDLE_MS / 2)
      world.send(A, DATA)
      world.send(B, DATA)
    }
    a.address = ELSEWHERE
    deliver(world, [a], a.start())
    expect(world.send(B, DATA).map(({ to }) => to)).toEqual([ELSEWHERE])
  })

  test('from the address of a proven leg takes it over only with its token', () => {
    const world = new World()
    const [a, b] = pair(world)
    const [other] = world.tunnel().legs
    const [bound] = bind(world, A, other)
    expect(bound!.to).toBe(A)
    expect(world.send(A, DATA).map(({ to }) => to)).toEqual([b.address])
    expect(a.leg.otherBound).toBe(true)
    expect(world.send(A, confirm(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)))).toEqual([])
    const told = world.send(A, confirm(tokenOf(bound!)))
    expect(told.map(({ to, bytes }) => [to, decodeRelay(bytes)])).toEqual([
      [A, { op: 'kept', otherBound: false, draining: false }],
      [B, { op: 'kept', otherBound: false, draining: false }],
    ])
    expect(world.effects).toMatchObject([{ kind: 'ended', reason: 'replaced' }])
    expect(world.send(A, DATA)).toEqual([])
  })

  test.each([
    ['20 forged ones a second in its name', 20, 'junk'],
    ['10,000 forged ones a second in its name', 10_000, 'junk'],
    ['1,000 repeats a second of what it said before', 1000, 'overheard'],
  ])('is let in although %s come', (_what, perSecond, kind) => {
    const world = new World()
    const [a] = world.tunnel().legs
    const first = bindMessage(a, START)
    bind(world, A, a, START)
    const forged = kind === 'junk' ? bindMessage({ ...a, grant: new Uint8Array(127) }, START) : first
    for (let second = 0; second < 60; second++) {
      const from = kind === 'junk' ? A : ELSEWHERE
      for (let i = 0; i < perSecond / 10; i++) world.send(from, forged)
      world.advance(100)
      expect(world.send(second % 2 === 0 ? ELSEWHERE : A, bindMessage(a, START + second + 1))).toHaveLength(1)
    }
  })

  test('of one peer is limited, whatever its tunnels and sources', () => {
    const world = new World()
    const [a] = world.tunnel().legs
    for (let i = 1; i <= 1000; i++) world.send(`203.0.113.9:${i}`, bindMessage(a, START + i))
    expect(world.relay.counters.refused.limited).toBeGreaterThan(700)
    expect(bind(world, A, world.tunnel().legs[0])).toHaveLength(1)
  })

  test('is refused when all places have a leg, and taken when one is free', () => {
    const world = new World({ maxTunnels: 2 })
    const [first] = pair(world, '203.0.113.1:1', '203.0.113.2:1')
    pair(world, '203.0.113.1:2', '203.0.113.2:2')
    expect(world.relay.load).toBe(1)
    expect(bind(world, ELSEWHERE, world.tunnel().legs[0])).toEqual([])
    expect(world.relay.counters.refused.full).toBe(1)
    deliver(world, [], first.release())
    expect(bind(world, ELSEWHERE, world.tunnel().legs[0])).toEqual([])
    world.advance(IDLE_MS + 1000)
    expect(bind(world, ELSEWHERE, world.tunnel().legs[0])).toHaveLength(1)
  })
})

describe('an address that is not proven', () => {
  test('is believed for all that a peer keeps back where the HANDSHAKE has seen its IP, once', () => {
    const world = new World()
    const [a, b] = world.tunnel(undefined, B.replace(/:.*/, ':9')).legs
    prove(world, A, bind(world, A, a))
    const sent = bind(world, B, b).reduce((sum, { bytes }) => sum + bytes.length, 0)
    expect(sent + sentTo(world, B, 500_000)).toBeLessThanOrEqual(80_000 + BIND_BYTES)
    expect(sentTo(world, B, 1200)).toBe(0)
    expect(world.relay.counters.bytes).toBeGreaterThan(64 * 1200)
  })

  test('is sent no more bytes than came from it', () => {
    const world = new World()
    const [a, b] = world.tunnel().legs
    prove(world, A, bind(world, A, a))
    let sent = bind(world, B, b).reduce((sum, { bytes }) => sum + bytes.length, 0)
    sent += sentTo(world, B, 50_000)
    expect(sent).toBeGreaterThan(500)
    expect(sent).toBeLessThanOrEqual(BIND_BYTES)
    world.send(B, new Uint8Array(100))
    expect(sentTo(world, B, 50_000) + sent).toBeLessThanOrEqual(BIND_BYTES + 100)
    expect(world.relay.counters.unproven).toBeGreaterThan(0)
  })

  test('is proven by its token only, from there only', () => {
    const world = new World()
    const [a, b] = world.tunnel().legs
    prove(world, A, bind(world, A, a))
    const [bound] = bind(world, B, b)
    for (const [from, token] of [
      [ELSEWHERE, tokenOf(bound!)],
      [A, tokenOf(bound!)],
      [B, new Uint8Array(8)],
    ] as const) {
      expect(world.send(from, confirm(token))).toEqual([])
    }
    expect(world.relay.counters.refused.token).toBe(3)
    world.send(B, confirm(tokenOf(bound!)))
    expect(sentTo(world, B, 50_000)).toBe(50_000)
  })
})

describe('a leg', () => {
  test('ends when nothing came from it for a minute, and the other is told', () => {
    const world = new World()
    const [, b] = pair(world)
    world.advance(IDLE_MS - 2000)
    deliver(world, [b], world.send(B, encodeRelay({ op: 'keep' })))
    deliver(world, [b], world.advance(3000))
    expect(world.effects).toMatchObject([{ kind: 'ended', leg: 0, reason: 'idle' }])
    expect(b.leg.otherBound).toBe(false)
    world.advance(IDLE_MS)
    expect(world.relay.legs).toBe(0)
  })

  test('lives on data, or on KEEP alone', () => {
    const world = new World()
    pair(world)
    for (let i = 0; i < 10; i++) {
      world.advance(IDLE_MS - 1000)
      world.send(A, DATA)
      expect(decode(world.send(B, encodeRelay({ op: 'keep' })))).toEqual([
        { op: 'kept', otherBound: true, draining: false },
      ])
    }
    expect(world.relay.legs).toBe(2)
  })

  test('that is none hears so when it says KEEP, in no more bytes', () => {
    const world = new World()
    const keep = encodeRelay({ op: 'keep' })
    const answers = world.send(ELSEWHERE, keep)
    expect(decode(answers)).toEqual([{ op: 'unbound' }])
    expect(answers[0]!.bytes.length).toBe(keep.length)
  })

  test('is given up by RELEASE of its own, not by an old one or one of another key', () => {
    const world = new World()
    const [a, b] = world.tunnel().legs
    bind(world, A, a, START + 5)
    world.send(A, encodeRelay(makeClaim('release', START + 5, a)))
    world.send(A, encodeRelay(makeClaim('release', START + 6, { ...a, key: b.key })))
    world.send(A, encodeRelay({ ...makeClaim('bind', START + 7, a), op: 'release' }))
    expect(world.relay.legs).toBe(1)
    world.send(A, encodeRelay(makeClaim('release', START + 8, a)))
    expect(world.relay.legs).toBe(0)
  })

  test('leaves nothing behind when its grant has ended', () => {
    const world = new World()
    pair(world)
    world.advance(GRANT_MS + 2000)
    expect(world.relay.deadline()).toBe(Number.POSITIVE_INFINITY)
    expect(world.relay.load).toBe(0)
  })
})

describe('a relay that drains', () => {
  test('tells its legs, takes no new one, and ends when the last has gone', () => {
    const world = new World()
    const [a, b] = pair(world)
    deliver(world, [a, b], world.handle({ kind: 'drain', until: world.now + 300_000 }))
    expect([a.leg.draining, b.leg.draining]).toEqual([true, true])
    expect(world.relay.load).toBe(1)
    expect(bind(world, ELSEWHERE, world.tunnel().legs[0])).toEqual([])
    expect(world.send(A, DATA)).toHaveLength(1)
    deliver(world, [a, b], a.release())
    expect(world.effects.at(-1)).toMatchObject({ kind: 'ended' })
    deliver(world, [a, b], b.release())
    world.advance(0)
    expect(drained(world)).toBe(1)
    world.advance(1_000_000)
    expect(drained(world)).toBe(1)
  })

  test('ends what is left at the time it was given', () => {
    const world = new World()
    pair(world)
    world.handle({ kind: 'drain', until: world.now + 5000 })
    world.advance(4999)
    expect(drained(world)).toBe(0)
    world.advance(1)
    expect(drained(world)).toBe(1)
    expect(world.send(A, DATA)).toEqual([])
  })

  test('has drained at once when it has no leg', () => {
    const world = new World()
    world.handle({ kind: 'drain', until: world.now + 5000 })
    expect(drained(world)).toBe(1)
    expect(world.relay.deadline()).toBe(Number.POSITIVE_INFINITY)
  })

  test('tells many legs a few at a time', () => {
    const world = new World()
    const count = 400
    for (let i = 0; i < count; i++) {
      world.advance(100)
      pair(world, `203.0.${i >> 8}.${i & 255}:1000`, `198.18.${i >> 8}.${i & 255}:2000`)
    }
    const first = world.handle({ kind: 'drain', until: world.now + 5000 })
    expect(first).toHaveLength(256)
    expect(new Set([...first, ...world.advance(1000)].map(({ to }) => to)).size).toBe(2 * count)
  })
})

describe('load', () => {
  test('is the share of bytes a second that it can carry, or of its tunnels', () => {
    const world = new World({ maxTunnels: 100, maxBytesPerSecond: 20_000 })
    pair(world)
    world.advance(1000)
    expect(world.relay.load).toBeCloseTo(0.01)
    world.send(A, ...Array.from({ length: 10 }, () => new Uint8Array(1000)))
    world.advance(1000)
    expect(world.relay.load).toBeCloseTo(0.5)
    world.advance(1000)
    expect(world.relay.load).toBeCloseTo(0.01)
  })
})

describe('whatever arrives', () => {
  test('makes a relay neither throw, nor send anyone who is not proven more than he sent', () => {
    const world = new World({ maxTunnels: 50 })
    const random = new Random(new Uint8Array(32).fill(5))
    const [victim] = pair(world)
    const known = datagramsOfAll(world)
    const account = new Map<string, number>()
    for (let i = 0; i < 100_000; i++) {
      if (i % 100 === 0) world.now += random.below(2000)
      const from = `192.0.2.${random.below(8)}:${1000 + random.below(4)}`
      const bytes =
        random.below(3) === 0
          ? random.bytes(random.below(700))
          : mutated(known[random.below(known.length)]!, random)
      add(account, from, bytes.length)
      for (const sent of world.send(from, bytes)) add(account, sent.to, -sent.bytes.length)
    }
    const owed = [...account].filter(([who, balance]) => balance < 0 && who !== victim.address && who !== B)
    expect(owed).toEqual([])
    expect(world.relay.counters.refused.mac + world.relay.counters.refused.grant).toBeGreaterThan(1000)
    expect(world.relay.counters.malformed).toBeGreaterThan(1000)
  })
})

function bindMessage(credentials: Credentials, stamp: number): Uint8Array {
  return encodeRelay(makeClaim('bind', stamp, credentials))
}

function bind(world: World, from: string, credentials: Credentials, stamp = world.now): Flying[] {
  return world.send(from, bindMessage(credentials, stamp))
}

function tokenOf({ bytes }: Flying): Uint8Array {
  const message = decodeRelay(bytes)
  if (message?.op !== 'bound') throw new Error('not BOUND')
  return message.token
}

const confirm = (token: Uint8Array): Uint8Array => encodeRelay({ op: 'confirm', token })

function prove(world: World, from: string, answers: readonly Flying[]): void {
  world.send(from, confirm(tokenOf(answers[0]!)))
}

/** Returns the bytes that reach an address when the other side of the first tunnel sends `total` bytes, 50 at a time. */
function sentTo(world: World, to: string, total: number): number {
  const packets = Array.from({ length: total / 50 }, () => new Uint8Array(50))
  const from = to === B ? A : B
  return world
    .send(from, ...packets)
    .filter((one) => one.to === to)
    .reduce((sum, { bytes }) => sum + bytes.length, 0)
}

const decode = (datagrams: readonly Flying[]): (RelayMessage | undefined)[] =>
  datagrams.map(({ bytes }) => decodeRelay(bytes))

const drained = (world: World): number => world.effects.filter(({ kind }) => kind === 'drained').length

/** Makes a valid and useful datagram of each kind. */
function datagramsOfAll(world: World): Uint8Array[] {
  const { legs } = world.tunnel()
  return [
    ...legs.map((leg) => bindMessage(leg, START + 1000)),
    ...legs.map((leg) => encodeRelay(makeClaim('release', START + 2000, leg))),
    confirm(new Uint8Array(8)),
    encodeRelay({ op: 'keep' }),
    encodeRelay({ op: 'unbound' }),
    encodeRelay({ op: 'kept', otherBound: true, draining: false }),
    encodeRelay({
      op: 'bound',
      stamp: START,
      token: new Uint8Array(8),
      otherBound: true,
      draining: true,
      idleMs: 1,
    }),
  ]
}

/** Returns the datagram unchanged half of the time, otherwise with some bytes changed or cut. */
function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice()
  if (random.below(2) === 0) return copy
  for (let i = random.below(4); i > 0; i--) copy[8 + random.below(copy.length - 8)] = random.below(256)
  return random.below(4) === 0 ? copy.subarray(0, random.below(copy.length)) : copy
}

function add(account: Map<string, number>, who: string, bytes: number): void {
  account.set(who, (account.get(who) ?? 0) + bytes)
}

test.each([
  2, -2, 720,
])('a clock that is wrong by %i hours ends no leg, and judges grants rightly once it is back', (hours) => {
  const world = new World()
  const [a, b] = pair(world)
  world.relay.wall.aheadMs = hours * 3_600_000
  world.advance(5000)
  expect(world.send(a.address, DATA).map(({ to }) => to)).toEqual([b.address])
  const late = new Peer(world, ELSEWHERE, world.tunnel().legs[0])
  late.start().map(({ bytes }) => world.send(ELSEWHERE, bytes))
  expect(world.relay.counters.refused.expired).toBe(hours > 0 ? 1 : 0)
  world.relay.wall.aheadMs = 0
  const good = new Peer(world, '192.0.2.10:1', world.tunnel().legs[0])
  good.start().map(({ bytes }) => world.send(good.address, bytes))
  expect(world.relay.counters.refused.expired).toBe(hours > 0 ? 1 : 0)
  expect(world.relay.legs).toBe(hours > 0 ? 3 : 4)
})

describe('a member of a network who forges BINDs', () => {
  const [ONE, OTHER] = ['198.51.100.1:3478', '198.51.100.2:3478']
  const bind = (world: World, from: string, credentials: Credentials) => {
    for (const { bytes } of new Peer(world, from, credentials).start()) world.send(from, bytes)
  }

  test('in the name of relays makes two of them pass a packet on to each other for a moment only', () => {
    const relays = new Map([ONE, OTHER].map((address) => [address, new World()]))
    for (const world of relays.values()) {
      const { legs } = world.tunnel()
      bind(world, ONE, legs[0])
      bind(world, OTHER, legs[1])
    }
    let [flying, hops] = [[{ to: ONE, from: OTHER, bytes: DATA as Uint8Array }], 0]
    for (; flying.length > 0 && hops < 100_000; hops++) {
      const { to, from, bytes } = flying.shift()!
      flying = [
        ...flying,
        ...relays
          .get(to)!
          .send(from, bytes)
          .map((sent) => ({ ...sent, from: to })),
      ]
    }
    expect(hops).toBeGreaterThan(10)
    expect(hops * DATA.length).toBeLessThan(4 * 2 ** 16 + 1000)
  })

  test('in the name of a server that answers anybody gets little through to it', () => {
    const world = new World()
    const { legs } = world.tunnel()
    const [server, own] = ['203.0.113.53:53', A]
    const peer = new Peer(world, own, legs[0])
    deliver(world, [peer], peer.start())
    bind(world, server, legs[1])
    let asked = 0
    for (let i = 0; i < 5000; i++) {
      for (const { to, bytes } of world.send(own, new Uint8Array(60))) {
        if (to !== server) continue
        asked += bytes.length
        world.send(server, new Uint8Array(1000))
      }
    }
    expect(asked).toBeGreaterThan(0)
    expect(asked).toBeLessThanOrEqual(2 ** 16)
  })
})
