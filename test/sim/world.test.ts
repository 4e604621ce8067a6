import { describe, expect, it } from 'vitest'
import type { Machine } from '../../shared/core/machine.ts'
import type { Batch } from '../../shared/wire/batch.ts'
import { Host } from './host.ts'
import { type LinkProfile, WIRE } from './link.ts'
import { NAT_KINDS } from './nat-kinds.ts'
import { type Endpoint, textOf } from './packet.ts'
import { Process } from './process.ts'
import { Router, type RouterSetting } from './router.ts'
import { Segment } from './segment.ts'
import { World } from './world.ts'

const hello = Uint8Array.of(1, 2, 3)

/** Builds a core with a server in it, and a host behind a router. */
function small(setting: Partial<RouterSetting> = {}, link: LinkProfile = WIRE, seed = 1) {
  const world = new World(seed)
  const core = new Segment(world, 'core')
  const lan = new Segment(world, 'lan')
  const server = new Host(world, 'server')
  server.plug({ segment: core, ips: ['198.51.100.1', '2001:db8::1'], link, hops: 3 })
  const router = new Router(world, {
    name: 'router',
    outside: { segment: core, ips: ['203.0.113.1'], link, hops: 3 },
    inside: lan,
    nat: NAT_KINDS['port-restricted'],
    ...setting,
  })
  const host = new Host(world, 'host')
  host.plug({ segment: lan, ips: ['192.168.1.2', '2001:db8:1::2'], link })
  return { world, core, lan, server, router, host }
}

function inbox(host: Host, port: number) {
  const taken: { from: Endpoint; bytes: Uint8Array }[] = []
  return { taken, socket: host.open((from, bytes) => taken.push({ from, bytes }), { port }) }
}

describe('the network', () => {
  it('a packet through a NAT arrives with the outside address, and the answer finds its way back', () => {
    const { world, server, host } = small()
    const there = inbox(server, 3478)
    const here = inbox(host, 4000)
    host.send(here.socket, { ip: '198.51.100.1', port: 3478 }, hello, 0)
    world.pass(100)
    expect(there.taken.map(({ from }) => textOf(from))).toEqual(['203.0.113.1:4000'])
    server.send(there.socket, there.taken[0]!.from, hello, 0)
    world.pass(100)
    expect(here.taken.map(({ from }) => textOf(from))).toEqual(['198.51.100.1:3478'])
  })

  it('nobody outside reaches a host that has not spoken to him, by IPv4 or IPv6', () => {
    const { world, server, host } = small()
    const here = inbox(host, 4000)
    const there = inbox(server, 3478)
    server.send(there.socket, { ip: '203.0.113.1', port: 4000 }, hello, 0)
    server.send(there.socket, { ip: '2001:db8:1::2', port: 4000 }, hello, 0)
    world.pass(100)
    expect(here.taken).toEqual([])
    expect(world.dropped.get('filtered')).toBe(2)
  })

  it('IPv6 is not translated, and comes in once something went out', () => {
    const { world, server, host } = small()
    const here = inbox(host, 4000)
    const there = inbox(server, 3478)
    host.send(here.socket, { ip: '2001:db8::1', port: 3478 }, hello, 0)
    world.pass(100)
    expect(there.taken.map(({ from }) => textOf(from))).toEqual(['[2001:db8:1::2]:4000'])
    server.send(there.socket, there.taken[0]!.from, hello, 0)
    world.pass(100)
    expect(here.taken).toHaveLength(1)
  })

  it.each([
    [1, 'ends at the own router and leaves no mapping', false, false],
    [2, 'passes the own router, leaves a mapping and ends in the core', true, false],
    [7, 'ends before the far side', true, false],
    [8, 'arrives', true, true],
  ])('a packet with TTL %i %s', (ttl, _, mapped, arrives) => {
    const { world, server, host, router } = small()
    const there = inbox(server, 3478)
    host.send(inbox(host, 4000).socket, { ip: '198.51.100.1', port: 3478 }, hello, ttl)
    world.pass(100)
    const answer = router.nat!.inbound(4000, { ip: '198.51.100.1', port: 3478 }, world.now)
    expect(answer !== undefined).toBe(mapped)
    expect(there.taken.length === 1).toBe(arrives)
  })

  it('hosts behind a NAT reach each other through its outside address only with hairpin', () => {
    for (const kind of ['port-restricted', 'hairpin-cone'] as const) {
      const { world, server, host, lan } = small({ nat: NAT_KINDS[kind] })
      const other = new Host(world, 'other')
      other.plug({ segment: lan, ips: ['192.168.1.3'], link: WIRE })
      const [a, b, there] = [inbox(host, 4000), inbox(other, 4001), inbox(server, 3478)]
      host.send(a.socket, { ip: '198.51.100.1', port: 3478 }, hello, 0)
      other.send(b.socket, { ip: '198.51.100.1', port: 3478 }, hello, 0)
      world.pass(100)
      const [outsideA, outsideB] = there.taken.map(({ from }) => from)
      host.send(a.socket, outsideB!, hello, 0)
      world.pass(100)
      other.send(b.socket, outsideA!, hello, 0)
      world.pass(100)
      expect(a.taken.map(({ from }) => textOf(from))).toEqual(
        kind === 'hairpin-cone' ? [textOf(outsideB!)] : [],
      )
    }
  })

  it('two NATs in a row translate twice', () => {
    const { world, core, server } = small()
    const carrier = new Segment(world, 'carrier')
    const home = new Segment(world, 'home')
    const nat = NAT_KINDS['symmetric-random']
    const ip = '203.0.113.9'
    new Router(world, {
      name: 'cgn',
      outside: { segment: core, ips: [ip], link: WIRE },
      inside: carrier,
      nat,
    })
    const outside = { segment: carrier, ips: ['100.64.0.2'], link: WIRE }
    new Router(world, { name: 'home router', outside, inside: home, nat: NAT_KINDS['full-cone'] })
    const host = new Host(world, 'deep')
    host.plug({ segment: home, ips: ['192.168.1.2'], link: WIRE })
    const [here, there] = [inbox(host, 4000), inbox(server, 3478)]
    host.send(here.socket, { ip: '198.51.100.1', port: 3478 }, hello, 0)
    world.pass(100)
    expect(there.taken[0]!.from.ip).toBe(ip)
    server.send(there.socket, there.taken[0]!.from, hello, 0)
    world.pass(100)
    expect(here.taken).toHaveLength(1)
  })

  it('blocked UDP goes nowhere, and neither does what exceeds the MTU', () => {
    const blocked = small({ udpBlocked: true })
    blocked.host.send(inbox(blocked.host, 1).socket, { ip: '198.51.100.1', port: 1 }, hello, 0)
    blocked.world.pass(100)
    expect(blocked.world.dropped.get('udp blocked')).toBe(1)
    const narrow = small({}, { ...WIRE, mtu: 1280 })
    const there = inbox(narrow.server, 1)
    const { socket } = inbox(narrow.host, 1)
    for (const size of [1280 - 28, 1280 - 27]) {
      narrow.host.send(socket, { ip: '198.51.100.1', port: 1 }, new Uint8Array(size), 0)
    }
    narrow.world.pass(100)
    expect(there.taken.map(({ bytes }) => bytes.length)).toEqual([1252])
  })

  it('links lose, double and reorder as often as they are told to', () => {
    const { world, core } = small()
    const [a, b] = [new Host(world, 'a'), new Host(world, 'b')]
    const rough = { ...WIRE, latencyMs: 20, loss: 0.3, duplicate: 0.1, reorder: 0.2 }
    a.plug({ segment: core, ips: ['192.0.2.1'], link: rough })
    b.plug({ segment: core, ips: ['192.0.2.2'], link: WIRE })
    const [from, to] = [inbox(a, 1), inbox(b, 1)]
    for (let i = 0; i < 5000; i++)
      a.send(from.socket, { ip: '192.0.2.2', port: 1 }, Uint8Array.of(i >> 8, i), 0)
    world.pass(1000)
    const order = to.taken.map(({ bytes }) => bytes[0]! * 256 + bytes[1]!)
    expect(new Set(order).size / 5000).toBeCloseTo(0.7, 1)
    expect(order.length / new Set(order).size).toBeCloseTo(1.1, 1)
    expect(order.filter((n, i) => i > 0 && n < order[i - 1]!).length).toBeGreaterThan(100)
  })

  it('a partition separates two addresses until it is healed', () => {
    const { world, core, server, host } = small()
    const there = inbox(server, 1)
    const { socket } = inbox(host, 1)
    const heal = core.separate(['203.0.113.1'], ['198.51.100.1'])
    host.send(socket, { ip: '198.51.100.1', port: 1 }, hello, 0)
    world.pass(100)
    expect(there.taken).toHaveLength(0)
    heal()
    host.send(socket, { ip: '198.51.100.1', port: 1 }, hello, 0)
    world.pass(100)
    expect(there.taken).toHaveLength(1)
  })

  it('a router that rebinds has new ports and, if told so, a new address', () => {
    const { world, server, host, router } = small()
    const there = inbox(server, 1)
    const { socket } = inbox(host, 4000)
    host.send(socket, { ip: '198.51.100.1', port: 1 }, hello, 0)
    world.pass(100)
    router.rebind('203.0.113.77')
    server.send(there.socket, there.taken[0]!.from, hello, 0)
    host.send(socket, { ip: '198.51.100.1', port: 1 }, hello, 0)
    world.pass(100)
    expect(there.taken.map(({ from }) => from.ip)).toEqual(['203.0.113.1', '203.0.113.77'])
  })
})

/** Echoes each datagram, and emits a beat every 100 ms. */
class Echo implements Machine<string, string> {
  readonly told: string[] = []
  readonly beats: number[] = []
  #next = 0

  receive(arrived: Batch, out: Batch): void {
    for (let i = 0; i < arrived.count; i++) out.push(arrived.at(i), arrived.address, i * 5, arrived.socket[i])
  }
  handle(input: string): void {
    this.told.push(`${input}!`)
  }
  tick(_: Batch, now: number): void {
    if (now < this.#next) return
    this.beats.push(now)
    this.#next = now + 100
  }
  deadline(): number {
    return this.#next
  }
  poll(): string | undefined {
    return this.told.shift()
  }
}

describe('a machine on a host', () => {
  it('gets datagrams, answers from the socket they came to, and its effects are carried out', () => {
    const { world, server, host } = small()
    const effects: string[] = []
    const process = new Process(server, new Echo(), [{ port: 1 }, { port: 2 }], (effect) =>
      effects.push(effect),
    )
    const { socket, taken } = inbox(host, 4000)
    for (const port of [1, 2]) host.send(socket, { ip: '198.51.100.1', port }, Uint8Array.of(port), 0)
    process.handle('ping')
    world.pass(100)
    expect(taken.map(({ from, bytes }) => [from.port, bytes[0]]).sort()).toEqual([
      [1, 1],
      [2, 2],
    ])
    expect(effects).toEqual(['ping!'])
  })

  it('is woken at its deadline, by the clock of its host', () => {
    const { world, server } = small()
    server.clockOffsetMs = 5000.5
    const machine = new Echo()
    new Process(server, machine, [{ port: 1 }], () => {})
    world.pass(1000)
    expect(machine.beats.length).toBe(11)
    expect(machine.beats[0]).toBe(Math.floor(Date.UTC(2027, 0, 1) + 5000.5))
    for (const beat of machine.beats) expect(Number.isInteger(beat)).toBe(true)
  })

  it('says nothing more once it was killed', () => {
    const { world, server, host } = small()
    const process = new Process(server, new Echo(), [{ port: 1 }], () => {})
    const { socket, taken } = inbox(host, 4000)
    host.send(socket, { ip: '198.51.100.1', port: 1 }, hello, 0)
    process.kill()
    world.pass(1000)
    expect(taken).toEqual([])
    expect(world.dropped.get('port closed')).toBe(1)
  })

  it('that is due again after every tick fails the run', () => {
    const { world, server } = small()
    const stuck = new Echo()
    stuck.deadline = () => 0
    new Process(server, stuck, [{ port: 1 }], () => {})
    expect(() => world.pass(1)).toThrow('due again')
  })
})

describe('one seed', () => {
  const hashOf = (seed: number): string => {
    const { world, server, host } = small({}, { ...WIRE, jitterMs: 3, loss: 0.2 }, seed)
    new Process(server, new Echo(), [{ port: 1 }], () => {})
    const { socket } = inbox(host, 4000)
    for (let i = 0; i < 50; i++) {
      world.after(i * 10, () => host.send(socket, { ip: '198.51.100.1', port: 1 }, Uint8Array.of(i), 0))
    }
    world.pass(1000)
    return world.trace.hash
  }
  it('gives one trace', () => expect(hashOf(7)).toBe(hashOf(7)))
  it('and another seed another', () => expect(hashOf(7)).not.toBe(hashOf(8)))
})
