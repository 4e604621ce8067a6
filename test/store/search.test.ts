import { PutCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { NetworkId, NodeId, PeerId } from '../../shared/ids.ts'
import { LIMITS } from '../../shared/limits.ts'
import { jsonBytes } from '../../shared/model/json.ts'
import { indexRecord } from '../../shared/store/indexing.ts'
import { createMemberships } from '../../shared/store/memberships.ts'
import { createNetworks } from '../../shared/store/networks.ts'
import { createObjects, objectKeyOf } from '../../shared/store/objects.ts'
import { forEach } from '../../shared/store/pages.ts'
import { createPeers } from '../../shared/store/peers.ts'
import { cursorOf } from '../../shared/store/positions.ts'
import { enterPresence } from '../../shared/store/present.ts'
import { createPeerSearch, search } from '../../shared/store/search.ts'
import { createUsers } from '../../shared/store/users.ts'
import { startTables, type TablesUnderTest } from '../local/tables-under-test.ts'

const VIEWER = { peer: 'somebody' as PeerId }

let tables: TablesUnderTest
let network: NetworkId
const now = 1_000_000

beforeAll(async () => {
  tables = await startTables()
  network = (await createNetworks(tables.client).create({ name: 'network' }, now)).network
})
afterAll(() => tables.close())

test('a node finds presence records, and hears whether there are more', async () => {
  const { client } = tables
  for (const peer of ['a', 'b', 'c'].map((letter) => letter.repeat(52) as PeerId)) {
    const { user } = await createUsers(client).create({ name: 'somebody' }, now)
    await createMemberships(client).put({ network, user, role: 'member' }, now)
    await createPeers(client).bind({ peer, user }, now)
    const said = { status: 'online', custom: '', metadata: { level: 1 }, since: 5, version: 7, lastSeenAt: 9 }
    const Item = { peer, user, ...said, node: 'node_aaaaaaaa' as NodeId, networks: [network] }
    await client.send(new PutCommand({ TableName: 'Presence', Item }))
    await indexRecord(client, { entity: 'peer' }, peer)
    await enterPresence(client, peer)
  }
  const find = createPeerSearch(client)
  const two = await find({ viewer: VIEWER, networks: [network], filter: 'metadata.level eq 1', limit: 2 })
  expect(two).toMatchObject({ more: true, records: [{ since: 5, version: 7 }, { metadata: { level: 1 } }] })
  expect(Object.keys(two.records[0]!).sort()).toEqual([
    'custom',
    'lastSeenAt',
    'metadata',
    'peer',
    'since',
    'status',
    'user',
    'version',
  ])
  const three = await find({ viewer: VIEWER, networks: [network], filter: 'metadata.level eq 1', limit: 3 })
  expect([three.more, three.records.length]).toEqual([false, 3])
  expect(
    (await find({ viewer: VIEWER, networks: [], filter: 'metadata.level eq 1', limit: 3 })).records,
  ).toEqual([])
  await expect(find({ viewer: VIEWER, networks: [network], filter: '(', limit: 3 })).rejects.toMatchObject({
    code: 'bad-request',
  })
})

test('a cursor from outside what is searched is refused', async () => {
  const query = { entity: 'peer', scopes: [network], filter: 'name gt "m"', limit: 1 } as const
  const attributes = [{ attribute: 'name', several: false }]
  const whole = { beganAt: Date.now(), attributes, through: '', range: 0, entry: 'sz\u0001x' }
  await expect(search(tables.client, { ...query, cursor: cursorOf(whole, query) })).resolves.toBeDefined()
  for (const forged of [
    { range: 7 },
    { entry: 'sa\u0001x' },
    { entry: 'x'.repeat(1025) },
    { entry: '\ud800' },
    { attributes: [{ attribute: 'user', several: false }] },
  ]) {
    const cursor = cursorOf({ ...whole, ...forged }, query)
    await expect(search(tables.client, { ...query, cursor })).rejects.toMatchObject({ code: 'bad-request' })
  }
})

test('fault 6: a page ends when its reads have cost enough or its answer is long, and says where to go on', async () => {
  const { client } = tables
  const collection = 'large'
  const text = 'x'.repeat(120_000)
  const ids = Array.from({ length: 40 }, (_, i) => `o${String(i).padStart(2, '0')}`)
  await forEach(ids, async (id) => {
    await createObjects(client).create({ collection, id, network, value: { text } }, now)
    await indexRecord(client, { entity: 'object', collection }, objectKeyOf(network, id))
  })
  const request = { entity: 'object', collection, scopes: [network], limit: 100 } as const
  const found: string[] = []
  let cursor: string | undefined
  do {
    const page = await search(client, { ...request, ...(cursor && { cursor }) })
    expect(page.readUnits).toBeLessThanOrEqual(LIMITS.searchReadUnits)
    expect(jsonBytes(page.items)).toBeLessThan(LIMITS.pageBytes * 1.2)
    found.push(...page.items.map(({ id }) => id))
    cursor = page.cursor
  } while (cursor !== undefined)
  expect(found).toEqual(ids)
  const one = await search(client, { ...request, limit: 1 })
  expect(one.items).toHaveLength(1)
  expect(one.readUnits).toBeLessThan(40)
})

test('of two equally promising terms the rarer is read', async () => {
  const { client } = tables
  const collection = 'planned'
  const declared = {
    collection,
    searchable: ['value.common', 'value.rare'],
    indexed: ['value.common', 'value.rare'],
  }
  await client.send(
    new PutCommand({ TableName: 'Collections', Item: { ...declared, editable: 'owner', version: 1 } }),
  )
  for (let i = 0; i < 20; i++) {
    const [id, value] = [`o${i}`, { common: 1, rare: i }]
    await createObjects(client).create({ collection, id, network, value }, now)
    await indexRecord(client, { entity: 'object', collection }, objectKeyOf(network, id))
  }
  const read: string[] = []
  const watching = {
    send: (command: { input: { ExpressionAttributeValues?: Record<string, string>; Select?: string } }) => {
      const { ExpressionAttributeValues: values, Select } = command.input
      if (values?.[':term'] !== undefined && Select !== 'COUNT') read.push(values[':term'])
      return client.send(command as never)
    },
  } as unknown as typeof client
  const filter = 'value.common eq 1 and value.rare eq 7'
  const { items } = await search(watching, {
    entity: 'object',
    collection,
    scopes: [network],
    filter,
    limit: 10,
  })
  expect(items.map(({ id }) => id)).toEqual(['o7'])
  expect(read).toEqual([`object/planned#${network}#value.rare`])
})
