import { afterAll, expect, test } from 'vitest'
import type { NodeId, PeerId } from '../../shared/ids.ts'
import { createConnections } from '../../shared/store/connections.ts'
import { startTables } from '../local/tables-under-test.ts'

const tables = await startTables()
afterAll(() => tables.close())
const connections = createConnections(tables.client)

test('a node is reached by its newest connection first, until it is removed', async () => {
  const [a, b] = ['node_a', 'node_b'] as NodeId[] as [NodeId, NodeId]
  const old = { connection: 'c1', node: a, connectedAt: 10, expiresAtSeconds: 99 }
  const replacing = { connection: 'c0', node: a, connectedAt: 20, expiresAtSeconds: 99 }
  const other = { connection: 'c3', node: b, connectedAt: 15, expiresAtSeconds: 99 }
  for (const connection of [old, replacing, other]) await connections.add(connection)
  expect(await connections.ofNode(a)).toEqual([replacing, old])
  expect((await connections.nodes()).sort()).toEqual([a, b])
  await connections.remove('c0')
  expect(await connections.ofNode(a)).toEqual([old])
})

test('peers are found by their connection, and not among the nodes', async () => {
  const peer = { connection: 'c4', peer: 'p' as PeerId, connectedAt: 5, expiresAtSeconds: 99 }
  await connections.add(peer)
  expect(await connections.get('c4')).toEqual(peer)
  expect(await connections.nodes()).not.toContain(undefined)
  await connections.remove('c4')
  expect(await connections.get('c4')).toBeUndefined()
})
