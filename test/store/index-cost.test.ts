/** The cost of indexing a change, in calls to the tables, writes and bytes. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PeerId } from '../../shared/ids.ts'
import { LIMITS } from '../../shared/limits.ts'
import type { JsonObject } from '../../shared/model/json.ts'
import { createCollections } from '../../shared/store/collections.ts'
import { indexCollection, indexRecord } from '../../shared/store/indexing.ts'
import { createMemberships } from '../../shared/store/memberships.ts'
import { createNetworks } from '../../shared/store/networks.ts'
import { forEach } from '../../shared/store/pages.ts'
import { createPeers } from '../../shared/store/peers.ts'
import { search } from '../../shared/store/search.ts'
import { createUsers } from '../../shared/store/users.ts'
import { startTables, type TablesUnderTest } from '../local/tables-under-test.ts'

let tables: TablesUnderTest
const now = Date.now()
const LISTS = Array.from({ length: 8 }, (_, i) => `list${i}`)
const VALUES = 16

beforeAll(async () => {
  tables = await startTables()
  const searchable = LISTS.map((list) => `attributes.${list}`)
  await createCollections(tables.client).put({ collection: 'peers', searchable, editable: 'owner' }, { now })
  await indexCollection(tables.client, 'peers')
})
afterAll(() => tables.close())

interface Cost {
  calls: number
  /** Items put or deleted. */
  writes: number
  /** Bytes of the requests, as JSON. */
  bytes: number
}

interface Sent {
  readonly input: { readonly TransactItems?: readonly { readonly ConditionCheck?: unknown }[] }
}

function counted(client: DynamoDBDocumentClient): { client: DynamoDBDocumentClient; cost: Cost } {
  const cost: Cost = { calls: 0, writes: 0, bytes: 0 }
  const send = (command: Sent) => {
    const { TransactItems = [] } = command.input
    cost.calls++
    cost.writes += TransactItems.filter(({ ConditionCheck }) => ConditionCheck === undefined).length
    cost.bytes += JSON.stringify(command.input).length
    return client.send(command as never)
  }
  return { client: { send } as unknown as DynamoDBDocumentClient, cost }
}

const listed = (edit: number): JsonObject =>
  Object.fromEntries(
    LISTS.map((list) => [list, Array.from({ length: VALUES }, (_, i) => `${list} ${edit} ${i}`)]),
  )

/** Makes a peer in this many networks, with all its entries in the index. */
async function peerIn(networks: number, peer: PeerId) {
  const { client } = tables
  const { user } = await createUsers(client).create({ name: 'busy' }, now)
  const made: string[] = []
  await forEach(Array(networks), async () => {
    const { network } = await createNetworks(client).create({ name: 'one of many' }, now)
    await createMemberships(client).put({ network, user, role: 'member' }, now)
    made.push(network)
  })
  await createPeers(client).bind({ peer, user, attributes: listed(0) }, now)
  await indexRecord(client, { entity: 'peer' }, peer)
  const edit = async (attributes: JsonObject): Promise<Cost> => {
    await createPeers(client).update(peer, { patch: { attributes }, now })
    const { client: watched, cost } = counted(client)
    await indexRecord(watched, { entity: 'peer' }, peer)
    return cost
  }
  return { edit, networks: made }
}

/** Items in one transaction, besides the manifest. */
const AT_ONCE = 98

test.each([
  [24, 'a'],
  [LIMITS.networksPerUser, 'b'],
] as const)('fault 7: of a peer in %i networks with 8 lists of 16 values, one value that changes is two writes a network', async (count, letter) => {
  const peer = letter.repeat(52) as PeerId
  const { edit, networks } = await peerIn(count, peer)
  const first = listed(0).list0 as readonly string[]
  const one = await edit({ list0: ['changed', ...first.slice(1)] })
  const none = await edit({ note: 'nothing searchable' })
  console.log(JSON.stringify({ networks: count, oneValueOf128: one, nothingSearchable: none }))
  const scopes = count + 1
  expect(one.writes).toBeLessThanOrEqual(2 * scopes + 2)
  // Reads manifest, declaration, peer, presence and user. A change that takes several transactions is recorded first.
  expect(one.calls).toBeLessThanOrEqual(6 + Math.ceil((2 * scopes) / AT_ONCE) + 1)
  expect(none).toMatchObject({ writes: 0 })
  expect(none.calls).toBeLessThanOrEqual(5)
  for (const scope of [networks[0]!, networks.at(-1)!])
    for (const [value, found] of [
      ['changed', [peer]],
      ['list0 0 0', []],
      ['list7 0 15', [peer]],
    ] as const) {
      const list = value.startsWith('list7') ? 'list7' : 'list0'
      const filter = `attributes.${list} eq "${value}"`
      const page = await search(tables.client, {
        entity: 'peer',
        scopes: [scope as never],
        filter,
        limit: 9,
      })
      expect(page.items.map((item) => item.peer)).toEqual(found)
    }
})
