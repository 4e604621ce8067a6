import type { NetworkInterfaceInfo } from 'node:os'
import { describe, expect, test } from 'vitest'
import { Ledger } from '../../udp-edge/kernel-relay/ledger.ts'
import { localIps, placesOf } from '../../udp-edge/kernel-relay/places.ts'
import { countersIn, IPV4, sentIn, tableRules } from '../../udp-edge/kernel-relay/rules.ts'

const HEADERS = 28

describe('counters of the kernel', () => {
  const LISTING = `table ip straightway_relay_3482 {
	map address {
		typeof ip saddr . udp sport : ip daddr
		counter
		elements = { 10.9.2.2 . 7000 counter packets 2 bytes 1473 : 10.9.3.2,
			     10.9.3.2 . 8000 counter packets 0 bytes 0 : 10.9.2.2 }
	}`

  test('are read from what nft lists, of both families', () => {
    expect(countersIn(LISTING)).toEqual([
      { key: '10.9.2.2 . 7000', packets: 2, bytes: 1473 },
      { key: '10.9.3.2 . 8000', packets: 0, bytes: 0 },
    ])
    expect(countersIn('elements = { 2001:db8::2 . 7000 counter packets 1 bytes 148 : 2001:db8::3 }')).toEqual(
      [{ key: '2001:db8::2 . 7000', packets: 1, bytes: 148 }],
    )
    expect(sentIn('counter sent {\n\t\tpackets 12 bytes 90\n\t}')).toBe(12)
  })

  test('become what came since the last reading, without headers', () => {
    const ledger = new Ledger(HEADERS)
    ledger.open('a', 4)
    const read = (packets: number, bytes: number) =>
      ledger.forwarded(
        [
          { key: 'a', packets, bytes },
          { key: 'of another', packets: 9, bytes: 999 },
        ],
        ledger.ask(),
      )
    expect(read(2, 2 * HEADERS + 100)).toEqual([{ leg: 4, packets: 2, bytes: 100, muted: 0 }])
    expect(read(2, 2 * HEADERS + 100)).toEqual([])
    expect(read(5, 5 * HEADERS + 101)).toEqual([{ leg: 4, packets: 3, bytes: 1, muted: 0 }])
  })

  test('that were asked for before a leg came to an address are not its own', () => {
    const ledger = new Ledger(HEADERS)
    ledger.open('a', 4)
    const asked = ledger.ask()
    const account = ledger.close('a')!
    ledger.open('a', 6)
    const counted = { key: 'a', packets: 7, bytes: 7 * HEADERS + 70 }
    expect(ledger.forwarded([counted], asked)).toEqual([])
    expect(ledger.settle(account, counted)).toEqual([{ leg: undefined, packets: 7, bytes: 70, muted: 0 }])
    expect(ledger.forwarded([{ ...counted, packets: 1, bytes: HEADERS }], ledger.ask())).toEqual([
      { leg: 6, packets: 1, bytes: 0, muted: 0 },
    ])
  })

  test('of muted legs begin at 0 each time', () => {
    const ledger = new Ledger(HEADERS)
    ledger.open('a', 4)
    const read = (packets: number) => ledger.muted([{ key: 'a', packets, bytes: 0 }], ledger.ask())
    expect(read(5)).toEqual([{ leg: 4, packets: 0, bytes: 0, muted: 5 }])
    ledger.unmute('a')
    expect(read(2)).toEqual([{ leg: 4, packets: 0, bytes: 0, muted: 2 }])
  })
})

describe('where the kernel can forward for a relay', () => {
  const at = (address: string, internal = false) =>
    ({ address, internal, family: address.includes(':') ? 'IPv6' : 'IPv4' }) as NetworkInterfaceInfo
  const interfaces = {
    lo: [at('127.0.0.1', true), at('::1', true)],
    eth0: [at('10.0.0.5'), at('fe80::5'), at('2001:db8::5')],
    docker0: [at('172.17.0.1')],
  }
  const defaults = { ip: 'eth0', ip6: 'eth0' }
  const placed = (host: string, facts: Partial<Parameters<typeof placesOf>[2]> = {}) =>
    placesOf(host, 1, { interfaces, defaults, ...facts }).map(({ ip, interfaces: names }) => [ip, ...names])

  test.each([
    ['10.0.0.5', [['10.0.0.5', 'eth0']]],
    ['0.0.0.0', [['10.0.0.5', 'eth0']]],
    [
      '::',
      [
        ['10.0.0.5', 'eth0'],
        ['2001:db8::5', 'eth0'],
      ],
    ],
    ['127.0.0.1', []],
    ['203.0.113.9', []],
  ])('is, bound to %s, %j', (host, places) => {
    expect(placed(host)).toEqual(places)
  })

  test('is nowhere where every address is meant and it is not clear which one peers use', () => {
    expect(placed('0.0.0.0', { defaults: { ip: undefined, ip6: undefined } })).toEqual([])
    expect(placed('0.0.0.0', { interfaces: { eth0: [at('10.0.0.5'), at('10.0.0.6')] } })).toEqual([])
  })

  test('is not between peers of the host itself', () => {
    expect(localIps(interfaces)).toContain('172.17.0.1')
  })
})

test('rules name the relay and the interfaces by which packets for it come, and no others', () => {
  const rules = tableRules({ family: IPV4, ip: '10.0.0.5', port: 3482, interfaces: ['eth0', 'eth1'] })
  const hooked = rules.filter((rule) => rule.includes(' arrived ') && rule.startsWith('add rule'))
  expect(hooked).toEqual([
    'add rule ip straightway_relay_3482 arrived iifname { "eth0", "eth1" } ip daddr 10.0.0.5 ip frag-off & 0x3fff == 0 ' +
      'udp dport 3482 @th,64,64 != 0x51405357524c5931 goto leg',
  ])
})
