import { afterEach, expect, test } from 'vitest'
import { type NodeKeys, parseNodeKeys } from '../../udp-edge/config.ts'
import { KeyWatch } from '../../udp-edge/instance/key-watch.ts'

const fleetKey = (fill: number) => Buffer.alloc(32, fill).toString('base64')
const first: NodeKeys = { ticketKeys: { k1: 'aaaa', k2: 'bbbb' }, fleetKeys: [fleetKey(1)] }
const opened: KeyWatch[] = []
afterEach(() => {
  for (const watch of opened.splice(0)) watch.close()
})

/** Makes a key watch that reads keys only when told to. */
function watching() {
  const world = { now: first as NodeKeys | Error, told: [] as NodeKeys[], logged: [] as string[] }
  const watch = new KeyWatch({
    known: first,
    read: async () => {
      if (world.now instanceof Error) throw world.now
      return world.now
    },
    tell: (keys) => world.told.push(keys),
    everyMs: 3600_000,
    log: (what) => world.logged.push(what),
  })
  opened.push(watch)
  return { world, watch }
}

test('keys that a rotation changed are told to the running node, once', async () => {
  const { world, watch } = watching()
  await watch.look()
  expect(world.told).toEqual([])
  const next = { ticketKeys: { ...first.ticketKeys, k3: 'cccc' }, fleetKeys: [fleetKey(1), fleetKey(2)] }
  world.now = next
  await watch.look()
  await watch.look()
  expect(world.told).toEqual([next])
})

test('the fleet keys in another order are a change, ticket keys in another order are none', async () => {
  const { world, watch } = watching()
  world.now = { ...first, ticketKeys: { k2: 'bbbb', k1: 'aaaa' } }
  await watch.look()
  expect(world.told).toEqual([])
  world.now = { ...first, fleetKeys: [fleetKey(2), fleetKey(1)] }
  await watch.look()
  expect(world.told).toHaveLength(1)
})

test('while INDEX or Secrets Manager is away the node keeps its keys, and learns the next ones later', async () => {
  const { world, watch } = watching()
  world.now = new Error('INDEX is away')
  await watch.look()
  expect(world).toMatchObject({ told: [], logged: ['the keys could not be read again'] })
  world.now = { ...first, fleetKeys: [fleetKey(3)] }
  await watch.look()
  expect(world.told).toHaveLength(1)
})

test.each([
  '',
  '{',
  '{}',
  '{"fleetKeys":[],"ticketKeys":{}}',
  '{"fleetKeys":["short"],"ticketKeys":{}}',
])('a line that is no keys is refused: %s', (line) => {
  expect(() => parseNodeKeys(line)).toThrow(expect.objectContaining({ code: 'bad-request' }))
})
