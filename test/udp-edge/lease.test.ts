/** Fleets in real tables. The periodic readings are far apart, so every reading seen was requested. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { NODE_TABLES } from '../../infra/functions.ts'
import type { FleetItem } from '../../shared/directory.ts'
import type { NodeId } from '../../shared/ids.ts'
import { createFleet, type Fleet } from '../../shared/store/fleet.ts'
import { Lease } from '../../udp-edge/lease.ts'
import { permitted } from '../functions/permitted.ts'
import { startTables, type TablesUnderTest } from '../local/tables-under-test.ts'

let tables: TablesUnderTest
let fleet: Fleet
const taken: Lease[] = []
beforeAll(async () => {
  tables = await startTables()
  fleet = createFleet(permitted(tables.client, NODE_TABLES))
})
afterEach(() => Promise.all(taken.splice(0).map((lease) => lease.leave())))
afterAll(() => tables.close())

const itemOf = (node: string): Omit<FleetItem, 'load' | 'draining' | 'expiresAtSeconds'> => ({
  node: node as NodeId,
  roles: ['relay'],
  publicKey: '',
  addresses: { relay: ['192.0.2.11:4002'] },
  startedAt: 0,
})

/** Takes a lease. Returns the nodes that it knows after each reading. */
async function take(node: string) {
  const known: NodeId[][] = []
  const logged: string[] = []
  let readings = 0
  const alive: Fleet['alive'] = (now) => {
    readings++
    return fleet.alive(now)
  }
  const lease = await Lease.take({
    fleet: { ...fleet, alive },
    item: itemOf(node),
    load: () => 0,
    onFleet: (items) => known.push(items.map((item) => item.node).sort()),
    log: (what) => logged.push(what),
    renewMs: 3_600_000,
  })
  taken.push(lease)
  return { lease, known, logged, readings: () => readings }
}

test('a node that came without a push is found by the next look, long before the next renewal', async () => {
  const { lease, known } = await take('node_a')
  await take('node_b')
  expect(known.at(-1)).toEqual(['node_a'])
  await lease.look()
  expect(known.at(-1)).toEqual(['node_a', 'node_b'])
})

test('everybody who misses somebody at the same time shares one reading', async () => {
  const { lease, readings } = await take('node_a')
  const before = readings()
  await Promise.all(Array.from({ length: 50 }, () => lease.look()))
  expect(readings()).toBe(before + 1)
})

test('a node whose lease had ended hears that it was taken for dead, also if the lease is still there', async () => {
  let lost = 0
  const item = itemOf('node_c')
  const lease = await Lease.take({
    ...{ fleet, item, load: () => 0, onFleet: () => {}, log: () => {}, renewMs: 3_600_000 },
    onLost: () => lost++,
  })
  taken.push(lease)
  const now = Math.floor(Date.now() / 1000)
  await fleet.register({ ...item, load: 0, draining: false, expiresAtSeconds: now - 1 })
  expect((await fleet.ended(now)).map(({ node }) => node)).toContain('node_c')
  await lease.drain()
  expect(lost).toBe(1)
  expect((await fleet.alive(now)).find(({ node }) => node === 'node_c')).toMatchObject({ draining: true })
  await lease.drain()
  expect(lost).toBe(1)
})

test('a node that has left reads no more', async () => {
  const { lease, readings } = await take('node_a')
  const before = readings()
  const looking = lease.look()
  await lease.leave()
  await looking
  expect(readings()).toBe(before)
})
