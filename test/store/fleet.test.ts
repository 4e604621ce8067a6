import { afterAll, expect, test } from 'vitest'
import type { FleetItem } from '../../shared/directory.ts'
import type { NodeId } from '../../shared/ids.ts'
import { createFleet, placeOf } from '../../shared/store/fleet.ts'
import { startTables } from '../local/tables-under-test.ts'

const tables = await startTables()
afterAll(() => tables.close())
const fleet = createFleet(tables.client)

const lease = (node: string, expiresAtSeconds: number): FleetItem => ({
  node: node as NodeId,
  roles: ['checkpoint', 'handshake'],
  publicKey: 'k',
  addresses: { checkpoint: ['127.0.0.1:5100'] },
  load: 0,
  draining: false,
  startedAt: 1,
  expiresAtSeconds,
})

test('a node is alive until its lease ends, and longer when it renews', async () => {
  const item = lease('node_renews', 100)
  await fleet.register(item)
  expect(await fleet.alive(99)).toEqual([item])
  expect(await fleet.alive(100)).toEqual([])
  expect(await fleet.ended(100)).toEqual([item])
  const renewed = { node: item.node, load: 0.5, draining: true, expiresAtSeconds: 130 }
  expect(await fleet.renew(renewed, 100)).toBe(false)
  expect(await fleet.renew(renewed, 99)).toBe(true)
  expect(await fleet.alive(100)).toEqual([{ ...item, load: 0.5, draining: true, expiresAtSeconds: 130 }])
  await fleet.leave(item.node)
  expect(await fleet.alive(0)).toEqual([])
})

test('a node whose lease was taken away learns it when it renews', async () => {
  const item = lease('node_lost', 100)
  expect(await fleet.renew({ ...item, expiresAtSeconds: 130 }, 99)).toBe(false)
  expect(await fleet.alive(0)).toEqual([])
})

test('only an ended lease is removed, by the last of those that clear the tables', async () => {
  const item = lease('node_back', 200)
  await fleet.register(item)
  expect(await fleet.cleared({ ...item, expiresAtSeconds: 199 }, '0/1')).toBe(false)
  expect(await fleet.alive(0)).toEqual([item])
  expect(await fleet.cleared(item, '0/2')).toBe(false)
  expect(await fleet.cleared(item, '0/2')).toBe(false)
  expect(await fleet.has(item.node)).toBe(true)
  expect(await fleet.cleared(item, '1/2')).toBe(true)
  expect(await fleet.has(item.node)).toBe(false)
  expect(await fleet.cleared(item, '1/2')).toBe(false)
})

test('what was cleared before a node came back does not count when it ends again', async () => {
  const item = lease('node_again', 200)
  await fleet.register(item)
  await fleet.cleared(item, '0/2')
  await fleet.register({ ...item, expiresAtSeconds: 230 })
  expect(await fleet.cleared(item, '0/2')).toBe(false)
  await fleet.stopped(item, '0/2', { table: 'NetworkNodes' })
  expect(await fleet.ended(230)).toEqual([{ ...item, expiresAtSeconds: 230 }])
  expect([...(await fleet.stillEnded([item]))]).toEqual([])
  await fleet.leave(item.node)
})

test('the notes of the reaper are not part of a lease that is put back', async () => {
  const item = lease('node_notes', 200)
  await fleet.register(item)
  await fleet.cleared(item, '0/2')
  await fleet.stopped(item, '1/2', { table: 'Presence', after: { peer: 'p' } })
  const [noted] = await fleet.ended(200)
  expect(placeOf(noted!, '1/2')).toEqual({ table: 'Presence', after: { peer: 'p' } })
  await fleet.leave(item.node)
  await fleet.end(noted!)
  expect(await fleet.ended(200)).toEqual([{ ...item, draining: true, expiresAtSeconds: 1 }])
  await fleet.leave(item.node)
})
