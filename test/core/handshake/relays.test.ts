import { expect, test } from 'vitest'
import { relaysOf } from '../../../shared/core/handshake/relays.ts'
import type { FleetItem } from '../../../shared/directory.ts'
import type { NodeId } from '../../../shared/ids.ts'

const OWN = 'node_own' as NodeId

const lease = (node: string, region: string | undefined, load = 0.2): FleetItem => ({
  node: node as NodeId,
  roles: [node === OWN ? 'handshake' : 'relay'],
  publicKey: '',
  addresses: node === OWN ? {} : { relay: ['192.0.2.1:3482'] },
  ...(region !== undefined && { region }),
  load,
  draining: false,
  startedAt: 0,
  expiresAtSeconds: 0,
})

const best = (...items: FleetItem[]) => relaysOf(items, OWN)[0]?.node

test('a relay of the own region is taken, much more loaded as it may be', () => {
  expect(best(lease(OWN, 'here'), lease('there', 'there', 0), lease('here', 'here', 0.85))).toBe('here')
})

test('where those of the own region are full, or there is none, another region relays', () => {
  expect(best(lease(OWN, 'here'), lease('there', 'there', 0), lease('here', 'here', 0.95))).toBe('there')
  expect(best(lease(OWN, 'here'), lease('there', 'there'))).toBe('there')
})

test('without regions load decides', () => {
  expect(best(lease(OWN, undefined), lease('a', 'there', 0.1), lease('b', undefined, 0.2))).toBe('a')
})
