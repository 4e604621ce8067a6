import { expect, test } from 'vitest'
import type { FleetItem } from '../../shared/directory.ts'
import type { NodeId } from '../../shared/ids.ts'
import { stunPartnerOf } from '../../udp-edge/stun-partner.ts'

const item = (node: string, changes: Partial<FleetItem> = {}): FleetItem => ({
  node: node as NodeId,
  roles: ['stun'],
  publicKey: '',
  addresses: { stun: [`192.0.2.${node.length}:3478`, `192.0.2.${node.length}:3479`] },
  load: 0,
  draining: false,
  startedAt: 0,
  expiresAtSeconds: 0,
  ...changes,
})

const partner = (own: string, fleet: readonly FleetItem[]) => stunPartnerOf(own as NodeId, fleet)

test('two nodes are each other’s partners', () => {
  const fleet = [item('a'), item('bb')]
  expect(partner('a', fleet)).toEqual({ address: '192.0.2.2:3478', alternatePort: 3479 })
  expect(partner('bb', fleet)).toEqual({ address: '192.0.2.1:3478', alternatePort: 3479 })
})

test('more nodes form a ring, in whatever order the fleet is read', () => {
  const fleet = [item('ccc'), item('a'), item('bb')]
  expect(partner('a', fleet)?.address).toBe('192.0.2.2:3478')
  expect(partner('bb', fleet)?.address).toBe('192.0.2.3:3478')
  expect(partner('ccc', fleet)?.address).toBe('192.0.2.1:3478')
})

test('a node that drains or has no STUN is nobody’s partner, and one alone has none', () => {
  expect(
    partner('a', [item('a'), item('bb', { draining: true }), item('ccc', { addresses: {} })]),
  ).toBeUndefined()
})

test('a partner is of the same region, of another where there is none', () => {
  const [here, there] = [{ region: 'here' }, { region: 'there' }]
  const fleet = [item('a', here), item('bb', there), item('ccc', here), item('dddd', there)]
  expect(partner('a', fleet)?.address).toBe('192.0.2.3:3478')
  expect(partner('bb', fleet)?.address).toBe('192.0.2.4:3478')
  expect(partner('a', fleet.slice(0, 2))?.address).toBe('192.0.2.2:3478')
})
