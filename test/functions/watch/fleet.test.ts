import { expect, test } from 'vitest'
import { createFleetMetrics, metricsOf } from '../../../functions/watch/fleet.ts'
import type { FleetItem } from '../../../shared/directory.ts'
import type { NodeId } from '../../../shared/ids.ts'

const NOW = Date.UTC(2026, 10, 23)
const HOUR_MS = 3600_000

const lease = (changes: Partial<FleetItem>): FleetItem => ({
  node: 'node_abcdefgh' as NodeId,
  roles: ['relay'],
  publicKey: '',
  addresses: {},
  load: 0.5,
  draining: false,
  startedAt: NOW - HOUR_MS,
  expiresAtSeconds: NOW / 1000 + 30,
  ...changes,
})

test('load is that of nodes that have the role and take something new', () => {
  const fleet = [
    lease({ load: 0.2 }),
    lease({ load: 0.6, startedAt: NOW - 60_000 }),
    lease({ load: 1, draining: true }),
    lease({ load: 0.9, roles: ['checkpoint', 'stun'] }),
  ]
  expect(metricsOf(fleet, 'relay', NOW)).toEqual({
    Nodes: 2,
    Load: 0.4,
    PeakLoad: 0.6,
    Draining: 1,
    Young: 1,
  })
})

test('a role that no node has is full, so that its group grows', () => {
  expect(metricsOf([], 'relay', NOW)).toEqual({ Nodes: 0, Load: 1, PeakLoad: 1, Draining: 0, Young: 0 })
})

test('each role is one line of embedded metric format', async () => {
  const lines: string[] = []
  const fleet = { alive: async () => [lease({})] }
  const handler = createFleetMetrics({
    system: 'prod',
    fleet,
    print: (line) => lines.push(line),
    now: () => NOW,
  })
  await handler({} as Parameters<typeof handler>[0], {} as Parameters<typeof handler>[1])
  const values = lines.map((line) => JSON.parse(line))
  expect(values.map(({ Role }) => Role)).toEqual(['checkpoint', 'handshake', 'stun', 'relay'])
  expect(values[3]).toMatchObject({
    System: 'prod',
    Load: 0.5,
    _aws: {
      Timestamp: NOW,
      CloudWatchMetrics: [{ Namespace: 'Straightway', Dimensions: [['System', 'Role']] }],
    },
  })
})

test('of two regions each tells its own nodes', async () => {
  const fleet = {
    alive: async () => [lease({ region: 'here' }), lease({ region: 'there' }), lease({ region: 'there' })],
  }
  const told: { Role: string; Nodes: number }[] = []
  const print = (line: string) => void told.push(JSON.parse(line))
  const handler = createFleetMetrics({ system: 'test', region: 'there', fleet, print, now: () => NOW })
  await handler({} as never, {} as never)
  expect(told.find(({ Role }) => Role === 'relay')).toMatchObject({ Nodes: 2 })
})
