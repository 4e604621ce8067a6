import { expect, test } from 'vitest'
import { byWorth } from '../../../peer/net/host-addresses.ts'

const at = (name: string, host: string, internal = false) => ({ name, host, internal })
const namesOf = (...given: Parameters<typeof byWorth>) => byWorth(...given).map(({ host }) => host)

test('the address of the default route comes before dozens of bridges that were there first', () => {
  const bridges = Array.from({ length: 20 }, (_, i) => at(`br-${i}`, `172.${17 + i}.0.1`))
  const interfaces = [...bridges, at('wg0', '10.8.0.2'), at('eth1', '10.0.0.5'), at('eth0', '192.168.1.7')]
  const hosts = namesOf(interfaces, new Set(['eth0']))
  expect(hosts.slice(0, 2)).toEqual(['192.168.1.7', '10.0.0.5'])
  expect(hosts).toHaveLength(23)
})

test('a tunnel that a default route leads through is as good as any', () => {
  const interfaces = [at('eth0', '192.168.1.7'), at('tun0', '10.8.0.2')]
  expect(namesOf(interfaces, new Set(['tun0']))[0]).toBe('10.8.0.2')
})

test('loopback and link-local addresses are left out', () => {
  const interfaces = [at('lo', '127.0.0.1', true), at('eth0', 'fe80::1'), at('eth0', '169.254.3.4')]
  expect(namesOf(interfaces, new Set())).toEqual([])
})
