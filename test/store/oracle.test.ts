/** An oracle for search: the results, page by page, must be those of checking every record one by one. */
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NetworkId, NodeId, PeerId } from '../../shared/ids.ts'
import { createCollections } from '../../shared/store/collections.ts'
import { indexCollection, indexRecord } from '../../shared/store/indexing.ts'
import { createMemberships } from '../../shared/store/memberships.ts'
import { createNetworks } from '../../shared/store/networks.ts'
import { createObjects, objectKeyOf } from '../../shared/store/objects.ts'
import { forEach } from '../../shared/store/pages.ts'
import { createPeers } from '../../shared/store/peers.ts'
import { enterPresence } from '../../shared/store/present.ts'
import { createUsers } from '../../shared/store/users.ts'
import { startTables, type TablesUnderTest } from '../local/tables-under-test.ts'
import { Dice } from './oracle/dice.ts'
import { EVERYTHING, filter, type OracleFilter, order } from './oracle/filters.ts'
import { ENTITIES, found, PATHS, type Searched } from './oracle/searches.ts'
import { attributes, DECLARED, NUMBERS, scalar, TEXTS } from './oracle/values.ts'

const SEED = Number(process.env.ORACLE_SEED ?? 1)
/** Multiple of 2,000 records and as many filters. */
const SCALE = Number(process.env.ORACLE_SCALE ?? 1)
const dice = new Dice(SEED)
let tables: TablesUnderTest
let networks: NetworkId[]

interface Kept {
  readonly id: string
  readonly scopes: readonly string[]
  /** The record as a filter sees it. */
  readonly record: object
}

const kept: Record<Searched, Kept[]> = { user: [], peer: [], object: [] }

beforeAll(async () => {
  tables = await startTables()
  const { client } = tables
  networks = await Promise.all(
    [1, 2, 3].map(async () => (await createNetworks(client).create({ name: 'n' }, 1)).network),
  )
  const declare = (collection: string, prefix: string) =>
    createCollections(client).put(
      { collection, searchable: DECLARED.map((path) => `${prefix}.${path}`), editable: 'owner' },
      { now: 1 },
    )
  // Half of the records exist before the collection is declared searchable, half are added later.
  await forEach(dice.times(700 * SCALE, makeSociety), (make) => make())
  await forEach(dice.times(300 * SCALE, makeObject), (make) => make())
  for (const [collection, prefix] of [
    ['users', 'attributes'],
    ['peers', 'attributes'],
    ['things', 'value'],
  ] as const) {
    await declare(collection, prefix)
    for (let step = 0; step < 9; step++) await indexCollection(client, collection)
  }
  await forEach(dice.times(300 * SCALE, makeObject), (make) => make())
})
afterAll(() => tables.close())

function someNetworks(): NetworkId[] {
  return networks.filter(() => dice.below(2) === 0)
}

/** Makes a user with a peer. */
function makeSociety() {
  const [mine, name, values] = [
    someNetworks(),
    dice.of(TEXTS.filter((text) => text.trim() !== '')),
    attributes(dice),
  ]
  const own = attributes(dice)
  const peer = dice.times(52, () => dice.of([...'abcdefghijklmnopqrstuvwxyz234567'])).join('') as PeerId
  const status = dice.of(['online', 'away', 'busy'] as const)
  const says = {
    level: dice.of(NUMBERS),
    modes: dice.times(dice.below(5), () => dice.of(TEXTS)),
    text: scalar(dice),
  }
  const isHere = dice.below(3) > 0
  return async () => {
    const { client } = tables
    const user = await createUsers(client).create({ name, attributes: values }, 1)
    for (const network of mine)
      await createMemberships(client).put({ network, user: user.user, role: 'member' }, 1)
    const { peer: bound } = await createPeers(client).bind(
      { peer, user: user.user, name, attributes: own },
      1,
    )
    const presence = { status, custom: name, metadata: says, since: 1, version: 1, lastSeenAt: 5 }
    const Item = { peer, user: user.user, ...presence, node: 'node_aaaaaaaa' as NodeId, networks: mine }
    if (isHere) await client.send(new PutCommand({ TableName: 'Presence', Item }))
    await indexRecord(client, { entity: 'user' }, user.user)
    await indexRecord(client, { entity: 'peer' }, peer)
    await enterPresence(client, peer)
    const scopes = [...mine, '*']
    kept.user.push({ id: user.user, scopes, record: user })
    const seen = isHere
      ? { status, custom: name, metadata: says, lastSeenAt: 5 }
      : { status: 'offline', custom: '', metadata: {}, lastSeenAt: 0 }
    kept.peer.push({ id: peer, scopes, record: { ...bound, ...seen } })
  }
}

function makeObject() {
  const [network, value] = [dice.of(networks), attributes(dice)]
  const id = `o${dice.below(1e9)}`
  return async () => {
    const made = await createObjects(tables.client).create({ collection: 'things', id, network, value }, 1)
    await indexRecord(tables.client, { entity: 'object', collection: 'things' }, objectKeyOf(network, id))
    kept.object.push({ id, scopes: [network, '*'], record: made })
  }
}

describe.each(ENTITIES)('pages of %s searches', (entity) => {
  const collection = entity === 'object' ? 'things' : undefined
  const prefix = entity === 'object' ? 'value' : 'attributes'
  const inScopes = (scopes: readonly string[], asked: OracleFilter) =>
    kept[entity].filter(
      (one) => one.scopes.some((scope) => scopes.includes(scope)) && asked.means(one.record),
    )

  test('agree with the oracle on 700 generated filters', async () => {
    const questions = dice.times(700 * SCALE, () => ({
      asked: filter(dice, PATHS[entity]),
      limit: dice.of([30, 100, 100]),
      scopes: dice.below(3) === 0 ? ['*'] : networks.slice(0, 1 + dice.below(3)),
    }))
    await forEach(
      questions,
      async ({ asked, limit, scopes }) => {
        const expected = inScopes(scopes, asked).map(({ id }) => id)
        const ids = await found(tables.client, { entity, collection, scopes, filter: asked.text, limit })
        expect([...ids].sort(), asked.text).toEqual(expected.sort())
      },
      8,
    )
  })

  test('in an order find everything once: ties in any order, what has no value last', async () => {
    const questions = dice.times(40 * SCALE, () => ({
      asked: dice.below(3) === 0 ? EVERYTHING : filter(dice, PATHS[entity]),
      path: dice.of(['level', 'title']),
      descending: dice.below(2) === 0,
      scopes: dice.below(2) === 0 ? ['*'] : networks.slice(0, 1 + dice.below(3)),
    }))
    await forEach(
      questions,
      async ({ asked, path, descending, scopes }) => {
        const query = { sortBy: `${prefix}.${path}`, descending, ...(asked.text && { filter: asked.text }) }
        const ids = await found(tables.client, { entity, collection, scopes, ...query, limit: 50 })
        const expected = inScopes(scopes, asked)
        expect([...ids].sort(), asked.text).toEqual(expected.map(({ id }) => id).sort())
        const records = new Map(expected.map(({ id, record }) => [id, record as Sorted]))
        const values = ids
          .map((id) => records.get(id)![prefix]!)
          .filter((value) => !('LEVEL' in value))
          .map((value) => value[path])
        expectOrder(descending ? values.reverse() : values)
      },
      8,
    )
  })
})

type Sorted = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** Expects values in order. The index stores the first 128 code points of a text. */
function expectOrder(values: readonly unknown[]): void {
  const absent = values.indexOf(undefined)
  const given = absent < 0 ? values : values.slice(0, absent)
  expect(values.slice(given.length).filter((value) => value !== undefined)).toEqual([])
  const cut = given.map((value) => (typeof value === 'string' ? [...value].slice(0, 128).join('') : value))
  for (let i = 1; i < cut.length; i++)
    expect(order(cut[i - 1], cut[i]), `${cut[i - 1]} before ${cut[i]}`).toBeLessThanOrEqual(0)
}
