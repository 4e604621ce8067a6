import { describe, expect, it } from 'vitest'
import { Dice } from './dice.ts'
import { Nat, type NatBehaviour } from './nat.ts'
import { NAT_KINDS } from './nat-kinds.ts'

const inside = { ip: '192.168.1.2', port: 40_000 }
const neighbour = { ip: '192.168.1.3', port: 40_000 }
const server = { ip: '198.51.100.1', port: 3478 }
const otherPort = { ip: '198.51.100.1', port: 3479 }
const otherServer = { ip: '198.51.100.2', port: 3478 }

const nat = (behaviour: NatBehaviour): Nat => new Nat(behaviour, new Dice('nat'))

describe('what each kind of NAT does', () => {
  const table: [keyof typeof NAT_KINDS, { ports: number; lets: string }][] = [
    ['full-cone', { ports: 1, lets: 'anybody' }],
    ['address-restricted', { ports: 1, lets: 'the server from any port' }],
    ['port-restricted', { ports: 1, lets: 'the server from that port' }],
    ['linux', { ports: 1, lets: 'the server from that port' }],
    ['linux-exposed', { ports: 1, lets: 'the server from that port' }],
    ['hairpin-cone', { ports: 1, lets: 'the server from that port' }],
    ['symmetric-preserving', { ports: 3, lets: 'the server from that port' }],
    ['symmetric-sequential', { ports: 3, lets: 'the server from that port' }],
    ['symmetric-block', { ports: 3, lets: 'the server from that port' }],
    ['symmetric-random', { ports: 3, lets: 'the server from that port' }],
    ['carrier-absolute', { ports: 2, lets: 'the server from that port' }],
  ]
  it.each(table)('%s: %o', (kind, { ports, lets }) => {
    const box = nat(NAT_KINDS[kind])
    const seen = [server, otherPort, otherServer].map((remote) => box.outbound(inside, remote, 0))
    expect(new Set(seen).size).toBe(ports)
    expect(admission(nat(NAT_KINDS[kind]))).toBe(lets)
  })
})

describe('a port that a host asked for', () => {
  it('takes packets from anybody, and answers leave from it, whatever the mapping', () => {
    const box = nat(NAT_KINDS['symmetric-random'])
    const port = box.forward(inside)
    expect(box.forward(inside)).toBe(port)
    expect(box.forward(neighbour)).not.toBe(port)
    expect(box.inbound(port, server, 0)).toEqual(inside)
    expect(box.outbound(inside, server, 1)).toBe(port)
    expect(box.outbound(inside, otherServer, 1)).not.toBe(port)
  })

  it('is gone when the router restarts', () => {
    const box = nat(NAT_KINDS.linux)
    const port = box.forward(inside)
    box.forget()
    expect(box.inbound(port, server, 0)).toBeUndefined()
  })
})

describe('a sequential NAT with other customers', () => {
  it('gives them ports meanwhile', () => {
    const box = nat(NAT_KINDS['symmetric-busy'])
    const [first, next] = [box.outbound(inside, server, 0)!, box.outbound(inside, otherPort, 1)!]
    expect(next - first).toBeLessThan(4)
    const later = box.outbound(inside, otherServer, 10_000)!
    expect(later - next).toBeGreaterThan(200)
    expect(later - next).toBeLessThan(400)
  })
})

function admission(box: Nat): string {
  const port = box.outbound(inside, server, 0)!
  expect(box.inbound(port, server, 1)).toEqual(inside)
  if (box.inbound(port, otherServer, 1) !== undefined) return 'anybody'
  return box.inbound(port, otherPort, 1) !== undefined
    ? 'the server from any port'
    : 'the server from that port'
}

describe('ports', () => {
  it('preserving gives the inside port while it is free and another one to the second host', () => {
    const box = nat(NAT_KINDS['port-restricted'])
    expect(box.outbound(inside, server, 0)).toBe(40_000)
    expect(box.outbound(neighbour, server, 0)).not.toBe(40_000)
  })

  it('overloading shares a port between hosts until they talk to the same remote', () => {
    const box = nat(NAT_KINDS.linux)
    expect(box.outbound(inside, server, 0)).toBe(40_000)
    expect(box.outbound(neighbour, otherServer, 0)).toBe(40_000)
    expect(box.outbound(neighbour, server, 0)).not.toBe(40_000)
    expect(box.inbound(40_000, otherServer, 1)).toEqual(neighbour)
  })

  it('sequential goes up by its step and wraps around', () => {
    const allocation = { kind: 'sequential', step: 2, low: 1000, high: 1005 } as const
    const box = nat({ ...NAT_KINDS['symmetric-sequential'], allocation })
    const seen = Array.from(
      { length: 8 },
      (_, i) => box.outbound(inside, { ...server, port: 1 + i }, i * 40_000)!,
    )
    for (let i = 1; i < seen.length; i++) expect([2, 1000 - seen[i - 1]!]).toContain(seen[i]! - seen[i - 1]!)
  })

  it('a block holds all ports of one host, and is full at some point', () => {
    const box = nat({ ...NAT_KINDS['symmetric-block'], allocation: { kind: 'block', size: 16 } })
    const seen = Array.from({ length: 16 }, (_, i) => box.outbound(inside, { ...server, port: 1 + i }, 0))
    const given = seen.filter((port) => port !== undefined)
    expect(Math.max(...given) - Math.min(...given)).toBeLessThan(16)
    for (let i = 0; i < 100; i++) box.outbound(inside, { ...server, port: 100 + i }, 0)
    expect(box.outbound(inside, { ...server, port: 5000 }, 0)).toBeUndefined()
  })
})

describe('time', () => {
  it('a mapping without an answer ends after its short life, one with an answer after its long one', () => {
    const box = nat(NAT_KINDS['port-restricted'])
    const port = box.outbound(inside, server, 0)!
    expect(box.inbound(port, server, 30_000)).toBeUndefined()
    box.outbound(inside, server, 40_000)
    expect(box.inbound(port, server, 40_001)).toEqual(inside)
    expect(box.inbound(port, server, 40_000 + 119_999)).toEqual(inside)
    expect(box.inbound(port, server, 40_000 + 120_000)).toBeUndefined()
  })

  it('what comes in keeps nothing alive, what goes out does', () => {
    const box = nat(NAT_KINDS['port-restricted'])
    const port = box.outbound(inside, server, 0)!
    for (let at = 1; at < 120_000; at += 10_000) expect(box.inbound(port, server, at)).toEqual(inside)
    expect(box.inbound(port, server, 120_001)).toBeUndefined()
  })

  it('an absolute expiry ends a mapping in spite of traffic', () => {
    const box = nat(NAT_KINDS['carrier-absolute'])
    const port = box.outbound(inside, server, 0)!
    for (let at = 5000; at < 60_000; at += 5000) expect(box.outbound(inside, server, at)).toBe(port)
    expect(box.outbound(inside, server, 60_000)).not.toBe(port)
  })

  it('a restart forgets everything', () => {
    const box = nat(NAT_KINDS['full-cone'])
    const port = box.outbound(inside, server, 0)!
    box.forget()
    expect(box.inbound(port, server, 1)).toBeUndefined()
  })
})

describe('a packet that comes too early', () => {
  it('costs the port where the router takes it for its own', () => {
    const box = nat(NAT_KINDS['linux-exposed'])
    expect(box.outbound(inside, server, 0)).toBe(40_000)
    box.inbound(40_000, otherServer, 1)
    expect(box.outbound(inside, otherServer, 2)).not.toBe(40_000)
    expect(box.outbound(inside, server, 3)).toBe(40_000)
  })

  it('costs nothing where the router drops it', () => {
    const box = nat(NAT_KINDS.linux)
    box.outbound(inside, server, 0)
    box.inbound(40_000, otherServer, 1)
    expect(box.outbound(inside, otherServer, 2)).toBe(40_000)
  })

  it('is forgotten after the short life, unless it is repeated', () => {
    const once = nat(NAT_KINDS['linux-exposed'])
    once.inbound(40_000, otherServer, 0)
    expect(once.outbound(inside, otherServer, 30_000)).toBe(40_000)
    const repeated = nat(NAT_KINDS['linux-exposed'])
    for (const at of [0, 20_000]) repeated.inbound(40_000, otherServer, at)
    expect(repeated.outbound(inside, otherServer, 30_000)).not.toBe(40_000)
  })
})
