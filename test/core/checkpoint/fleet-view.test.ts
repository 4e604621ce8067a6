import { expect, test } from 'vitest'
import { FleetView } from '../../../shared/core/checkpoint/fleet-view.ts'
import type { FleetItem } from '../../../shared/directory.ts'
import type { NodeId, TunnelId } from '../../../shared/ids.ts'
import { formatAddress } from '../../../shared/wire/address.ts'

const NOW = 1_800_000_000_000
const TUNNELS = Array.from({ length: 300 }, (_, i) => `tunnel-${i}` as TunnelId)

const item = (name: string, changes: Partial<FleetItem> = {}): FleetItem => ({
  node: name as NodeId,
  roles: ['checkpoint', 'handshake'],
  publicKey: '',
  addresses: { checkpoint: ['192.0.2.1:3480'], handshake: ['192.0.2.1:3481', '[2001:db8::1]:3481'] },
  load: 0,
  draining: false,
  startedAt: NOW,
  expiresAtSeconds: NOW / 1000 + 30,
  ...changes,
})

function chosen(...items: FleetItem[]): Set<string | undefined> {
  const fleet = new FleetView('a' as NodeId)
  fleet.setAll(items)
  return new Set(TUNNELS.map((tunnel) => fleet.handshakeFor(tunnel, NOW)))
}

test('a tunnel goes to the same HANDSHAKE at whatever node it is asked, and tunnels spread over all', () => {
  const [one, other] = [new FleetView('a' as NodeId), new FleetView('a' as NodeId)]
  one.setAll([item('a'), item('b'), item('c')])
  other.setAll([item('c'), item('a'), item('b')])
  const where = TUNNELS.map((tunnel) => one.handshakeFor(tunnel, NOW))
  expect(TUNNELS.map((tunnel) => other.handshakeFor(tunnel, NOW))).toEqual(where)
  for (const node of ['a', 'b', 'c']) expect(where.filter((each) => each === node).length).toBeGreaterThan(50)
})

test('when a node goes, only its tunnels go elsewhere', () => {
  const [before, after] = [new FleetView('a' as NodeId), new FleetView('a' as NodeId)]
  before.setAll([item('a'), item('b'), item('c')])
  after.setAll([item('a'), item('b')])
  for (const tunnel of TUNNELS) {
    const was = before.handshakeFor(tunnel, NOW)
    if (was !== 'c') expect(after.handshakeFor(tunnel, NOW)).toBe(was)
  }
})

test('the least loaded are chosen, and small differences are none', () => {
  expect(chosen(item('a', { load: 0.6 }), item('b', { load: 0.1 }), item('c', { load: 0.2 }))).toEqual(
    new Set(['b', 'c']),
  )
})

test('after a HANDSHAKE that brought nothing comes each other one in turn, near ones and empty ones first', () => {
  const fleet = new FleetView('a' as NodeId)
  const here = { region: 'here' }
  fleet.setAll([
    item('far', { region: 'there' }),
    item('full', { ...here, load: 0.9 }),
    item('a', here),
    item('b', here),
  ])
  const tried: NodeId[] = []
  for (let i = 0; i < 5; i++) tried.push(fleet.handshakeFor(TUNNELS[0]!, NOW, tried.at(-1))!)
  expect(new Set(tried.slice(0, 2))).toEqual(new Set(['a', 'b']))
  expect(tried.slice(2)).toEqual(['full', 'far', tried[0]])
  expect(fleet.handshakeFor(TUNNELS[0]!, NOW, 'gone' as NodeId)).toBe(tried[0])
})

test('those of its own region are chosen, however loaded, and others where there is none', () => {
  const here = { region: 'here', load: 0.9 }
  const there = { region: 'there' }
  expect(chosen(item('a', here), item('b', here), item('c', there))).toEqual(new Set(['a', 'b']))
  expect(chosen(item('a', { ...here, roles: ['checkpoint'] }), item('c', there))).toEqual(new Set(['c']))
})

test('a node that drains, whose lease ended, without the role or an address is not chosen', () => {
  const useless = [
    item('a', { draining: true }),
    item('b', { expiresAtSeconds: NOW / 1000 - 1 }),
    item('c', { roles: ['checkpoint'] }),
    item('d', { addresses: {} }),
    item('e', { addresses: { handshake: ['not an address'] } }),
  ]
  expect(chosen(...useless)).toEqual(new Set([undefined]))
  expect(chosen(...useless, item('f'))).toEqual(new Set(['f']))
})

test('addresses are those of the lease, and a lease that was pushed replaces the one before', () => {
  const fleet = new FleetView('a' as NodeId)
  fleet.setAll([item('a')])
  const told = fleet.handshakeOf('a' as NodeId).map(({ words }) => formatAddress(words))
  expect(told).toEqual(['192.0.2.1:3481', '[2001:db8::1]:3481'])
  fleet.set(item('a', { addresses: { checkpoint: ['192.0.2.9:1'] } }))
  expect(formatAddress(fleet.checkpointOf('a' as NodeId)!.words)).toBe('192.0.2.9:1')
  expect(fleet.handshakeOf('a' as NodeId)).toEqual([])
})

test('whoever is looked for and not here is told once, so that the fleet is read again', () => {
  const fleet = new FleetView('a' as NodeId)
  fleet.setAll([item('a')])
  fleet.handshakeFor(TUNNELS[0]!, NOW)
  fleet.checkpointOf('a' as NodeId)
  expect(fleet.takeMissed()).toBe(false)
  fleet.checkpointOf('b' as NodeId)
  expect([fleet.takeMissed(), fleet.takeMissed()]).toEqual([true, false])
})

test('a tunnel that finds no HANDSHAKE is a reason to read the fleet again', () => {
  const fleet = new FleetView('a' as NodeId)
  fleet.setAll([item('a', { draining: true })])
  expect(fleet.handshakeFor(TUNNELS[0]!, NOW)).toBeUndefined()
  expect(fleet.takeMissed()).toBe(true)
})
