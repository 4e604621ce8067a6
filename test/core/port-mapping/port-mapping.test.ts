import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SERVICES, type Service } from '../../../shared/core/port-mapping/dialects.ts'
import { PortMappingMachine } from '../../../shared/core/port-mapping/port-mapping-machine.ts'
import { formatAddress, parseAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import { encodePcpResponse } from '../../../shared/wire/port-mapping-pcp.ts'
import { HOME, Household } from './gateway.ts'

const HOUR_MS = 3600_000
const open = (port: number) => ({ kind: 'open', port }) as const
const close = (port: number) => ({ kind: 'close', port }) as const

test('all three are asked at the same time, and nothing before a port is wanted', () => {
  const home = new Household([])
  expect(home.asked()).toEqual([])
  expect(home.handle(open(5000)).asked()).toEqual(['0 pcp announce', '0 natPmp address', '0 upnp find'])
})

test('a silent gateway is asked again after 250 ms, doubling, and then left alone for ten minutes', () => {
  const home = new Household([]).handle(open(5000)).pass(599_000)
  expect(home.asked().filter((line) => line.includes('pcp'))).toEqual([
    '0 pcp announce',
    '250 pcp announce',
    '750 pcp announce',
    '1750 pcp announce',
  ])
  expect(home.pass(2000).asked()[0]).toBe('600000 pcp announce')
  expect(home.told).toEqual([])
})

test.each(SERVICES)('a gateway of %s alone gives a port, for two hours', (service) => {
  const home = new Household([service]).handle(open(5000))
  expect(home.told).toEqual([`5000 is 203.0.113.2 by ${service}`])
  expect(home.asked()).toContain(`0 ${service} map 5000 for 7200`)
})

test('a gateway that speaks all three is asked for one mapping', () => {
  const home = new Household(SERVICES).handle(open(5000)).pass(5000)
  expect(home.asked().filter((line) => line.includes('map'))).toEqual(['0 pcp map 5000 for 7200'])
})

test('each port has a mapping of its own, to an external port that nobody could foresee', () => {
  const home = new Household(['pcp']).handle(open(5000)).handle(open(5001))
  const ports = [...home.gateway.mappings.values()].map(({ external }) => Number(external.split(':')[1]))
  expect(new Set(ports).size).toBe(2)
  for (const port of ports) {
    expect(port).toBeGreaterThanOrEqual(10_000)
    expect([5000, 5001]).not.toContain(port)
  }
})

test.each([1, 2, 3, 5])('the first %i datagrams may be lost', (loses) => {
  const home = new Household(['pcp'])
  home.gateway.loses = loses
  expect(home.handle(open(5000)).pass(2000).told).toEqual(['5000 is 203.0.113.2 by pcp'])
})

test('where one refuses, the next is asked', () => {
  const home = new Household(SERVICES)
  home.gateway.refuses = ['pcp', 'natPmp']
  home.handle(open(5000)).pass(5000)
  expect(home.told).toEqual(['5000 is 203.0.113.2 by upnp'])
})

test('where all refuse, they are asked again after ten minutes', () => {
  const home = new Household(['pcp'])
  home.gateway.refuses = ['pcp']
  home.handle(open(5000)).pass(599_000)
  expect(home.asked().filter((line) => line.includes('map'))).toHaveLength(1)
  home.gateway.refuses = []
  expect(home.pass(2000).told).toEqual(['5000 is 203.0.113.2 by pcp'])
})

test('a port that UPnP finds taken is replaced by another, four times at most', () => {
  const home = new Household(['upnp'])
  home.gateway.takenPorts = 3
  expect(home.handle(open(5000)).told).toEqual(['5000 is 203.0.113.2 by upnp'])
  const crowded = new Household(['upnp'])
  crowded.gateway.takenPorts = 4
  expect(crowded.handle(open(5000)).told).toEqual([])
})

test('a mapping is renewed at half of what was given, with the same external port', () => {
  const home = new Household(['pcp'])
  home.gateway.longestSeconds = 1000
  home.handle(open(5000))
  const [before] = home.gateway.mappings.values()
  home.asked()
  home.pass(501_000)
  expect(home.asked().filter((line) => line.includes('map'))).toEqual(['500000 pcp map 5000 for 7200'])
  expect([...home.gateway.mappings.values()]).toEqual([before])
  expect(home.told).toHaveLength(1)
})

test('a gateway that falls silent is asked ever more often until the mapping has expired', () => {
  const home = new Household(['pcp'])
  home.gateway.longestSeconds = 400
  home.handle(open(5000))
  home.gateway.loses = Number.POSITIVE_INFINITY
  expect(home.pass(399_000).told).toHaveLength(1)
  expect(home.pass(2000).told.at(-1)).toBe('5000 unmapped')
  home.gateway.loses = 0
  home.pass(600_000)
  expect(home.told.at(-1)).toBe('5000 is 203.0.113.2 by pcp')
})

test('a lifetime of nothing is no mapping', () => {
  const home = new Household(['pcp'])
  home.gateway.longestSeconds = 0
  expect(home.handle(open(5000)).pass(10_000).told).toEqual([])
})

test('a mapping for seconds does not make it a flood', () => {
  const home = new Household(['natPmp'])
  home.gateway.longestSeconds = 1
  home.handle(open(5000)).pass(60_000)
  expect(home.asked().filter((line) => line.includes('map')).length).toBeLessThan(20)
})

test.each<Service>([
  'pcp',
  'natPmp',
])('a restart is noticed within ten minutes by the epoch of %s', (service) => {
  const home = new Household([service]).handle(open(5000)).pass(60_000)
  home.gateway.restart(home.now)
  home.pass(540_000)
  expect(home.gateway.mappings.get(5000)?.service).toBe(service)
  expect(home.machine.counters.lost).toBe(1)
  expect(home.told).toHaveLength(1)
})

test('a restart that is announced is noticed at once', () => {
  const home = new Household(['pcp']).handle(open(5000)).pass(60_000)
  home.gateway.restart(home.now)
  home.arrive(home.gateway.announcement(home.now))
  expect(home.gateway.mappings.get(5000)?.service).toBe('pcp')
})

test('UPnP cannot tell of a restart: its mappings are renewed every ten minutes', () => {
  const home = new Household(['upnp']).handle(open(5000)).pass(60_000)
  home.gateway.restart(home.now)
  home.pass(540_000)
  expect(home.gateway.mappings.get(5000)?.service).toBe('upnp')
})

test('another address of the gateway is told', () => {
  const home = new Household(['natPmp']).handle(open(5000))
  home.gateway.external = '203.0.113.99'
  home.pass(601_000)
  expect(home.told).toEqual(['5000 is 203.0.113.2 by natPmp', '5000 is 203.0.113.99 by natPmp'])
})

test('a port that is no longer wanted is deleted, by whoever gave it', () => {
  for (const service of SERVICES) {
    const home = new Household([service]).handle(open(5000)).handle(close(5000))
    expect(home.gateway.mappings.size).toBe(0)
    expect(home.told.at(-1)).toBe('5000 closed')
    expect(home.pass(HOUR_MS).machine.deadline()).toBe(Number.POSITIVE_INFINITY)
  }
})

test('a deletion may be lost, and ends even where nobody answers', () => {
  const home = new Household(['pcp']).handle(open(5000))
  home.gateway.loses = 1
  home.handle(close(5000)).pass(300)
  expect(home.gateway.mappings.size).toBe(0)
  home.handle(open(5001))
  home.gateway.loses = Number.POSITIVE_INFINITY
  expect(home.handle(close(5001)).pass(4000).told.at(-1)).toBe('5001 closed')
})

test('a port wanted again while it is being deleted is mapped again', () => {
  const home = new Household(['pcp']).handle(open(5000))
  home.gateway.loses = 1
  home.handle(close(5000)).handle(open(5000)).pass(1000)
  expect(home.gateway.mappings.size).toBe(1)
  expect(home.told).not.toContain('5000 closed')
})

test('in another network everything begins anew, with the new gateway', () => {
  const home = new Household(['pcp']).handle(open(5000))
  const gateway = parseAddress('10.0.0.1:5351')!
  home.handle({ kind: 'network', network: { gateway, local: parseAddress('10.0.0.7:0')! } })
  expect(home.told.at(-1)).toBe('5000 unmapped')
  expect([...home.sentTo]).toEqual(['192.168.1.1:5351', '10.0.0.1:5351'])
})

test('after waking in the same network the mapping is asked for again, without a gap', () => {
  const home = new Household(['pcp']).handle(open(5000)).pass(3000)
  home.asked()
  home.gateway.restart(home.now)
  home.handle({ kind: 'network', network: HOME })
  expect(home.gateway.mappings.size).toBe(1)
  expect(home.told).toHaveLength(1)
})

test('without a gateway nothing is asked', () => {
  const home = new Household(SERVICES, HOME)
  home.handle({ kind: 'network', network: undefined }).handle(open(5000)).pass(HOUR_MS)
  expect(home.asked()).toEqual([])
  expect(home.handle(close(5000)).told).toEqual(['5000 closed'])
})

test('nobody but the gateway is believed, and nobody who does not know the nonce', () => {
  const home = new Household(['pcp']).handle(open(5000))
  const forged = encodePcpResponse({
    kind: 'map',
    result: 0,
    lifetimeSeconds: 7200,
    epochSeconds: 1_000_000 / 1000,
    nonce: new Uint8Array(12),
    internalPort: 5000,
    external: parseAddress('198.51.100.66:1')!,
  })
  home.arrive(forged, '192.168.1.66:5351').arrive(forged, '192.168.1.1:1900').arrive(forged)
  expect(home.told).toHaveLength(1)
  expect(home.machine.counters).toMatchObject({ foreign: 2, unknown: 1 })
})

test('whatever comes from the gateway, nothing throws, and it is asked no more than a few times', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 30 }), (datagrams) => {
      const machine = new PortMappingMachine(new Uint8Array(32).fill(1))
      const out = new Batch(1)
      machine.handle({ kind: 'network', network: HOME }, out, 0)
      machine.handle(open(5000), out, 0)
      for (const [i, bytes] of datagrams.entries()) {
        const arrived = new Batch(1)
        arrived.push(Uint8Array.of([0, 2][i % 2]!, 0x80 | (i % 3), ...bytes), HOME.gateway.words)
        machine.receive(arrived, out, i)
      }
      expect(out.count).toBeLessThan(4 * (datagrams.length + 1))
      for (let i = 0; i < out.count; i++)
        expect(formatAddress(out.addressOf(i).words)).toBe('192.168.1.1:5351')
    }),
  )
})

test('a survey says what the gateway speaks and where it is, and maps nothing', () => {
  const home = new Household(['pcp', 'natPmp']).handle({ kind: 'survey' }).pass(5000)
  expect(home.surveyed?.services).toEqual(['pcp', 'natPmp'])
  expect(formatAddress(home.surveyed!.external!.words)).toBe('203.0.113.2:0')
  expect(home.gateway.mappings.size).toBe(0)
})

test('a survey of a gateway that speaks nothing is over in four seconds', () => {
  const home = new Household([]).handle({ kind: 'survey' }).pass(3700)
  expect(home.surveyed).toBeUndefined()
  expect(home.pass(300).surveyed).toMatchObject({ services: [] })
})

test('what a survey has found is used at once when a port is wanted', () => {
  const home = new Household(['natPmp']).handle({ kind: 'survey' }).pass(60_000)
  home.asked()
  expect(home.handle(open(5000)).asked()).toEqual(['60000 natPmp map 5000 for 7200'])
})

test('a port wanted long after a survey has all asked again, and does not wait for it', () => {
  const home = new Household(['pcp']).handle({ kind: 'survey' }).pass(2 * HOUR_MS)
  home.asked()
  home.gateway.speaks = ['pcp', 'natPmp']
  expect(home.handle(open(5000)).asked()).toContain('7200000 natPmp address')
  expect(home.told).toEqual(['5000 is 203.0.113.2 by pcp'])
})
