/** An oracle: what a search finds, page by page, is what every record, looked at one after the other, says. */
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NetworkId, NodeId, PeerId, UserId } from '../../shared/ids.ts'
import type { Entity } from '../../shared/model/collection.ts'
import { putCollection } from '../../shared/store/collections.ts'
import { indexCollection, indexRecord } from '../../shared/store/indexing.ts'
import { putMembership } from '../../shared/store/memberships.ts'
import { createNetwork } from '../../shared/store/networks.ts'
import { createObjects, objectKeyOf } from '../../shared/store/objects.ts'
import { forEach } from '../../shared/store/pages.ts'
import { bindPeer } from '../../shared/store/peers.ts'
import { type Scope, search } from '../../shared/store/search.ts'
import { createUser } from '../../shared/store/users.ts'
import { startTables, type TablesUnderTest } from '../local/tables-under-test.ts'
import { Dice } from './oracle/dice.ts'
import { EVERYTHING, filter, type OracleFilter, order } from './oracle/filters.ts'
import { attributes, DECLARED, NUMBERS, scalar, TEXTS } from './oracle/values.ts'

const SEED = Number(process.env.ORACLE_SEED ?? 1)
/** Of 2,000 records and as many filters. */
const SCALE = Number(process.env.ORACLE_SCALE ?? 1)
const dice = new Dice(SEED)
let tables: TablesUnderTest
let networks: NetworkId[]

interface Kept {
  readonly id: string
  readonly scopes: readonly string[]
  /** As a filter sees it. */
  readonly record: object
}

const kept: Record<'user' | 'peer' | 'object', Kept[]> = { user: [], peer: [], object: [] }

beforeAll(async () => {
  tables = await startTables()
  const { client } = tables
  networks = await Promise.all(
    [1, 2, 3].map(async () => (await createNetwork(client, { name: 'n' }, 1)).network),
  )
  const declare = (collection: string, prefix: string) =>
    putCollection(
      client,
      { collection, searchable: DECLARED.map((path) => `${prefix}.${path}`), editable: 'owner' },
      { now: 1 },
    )
  // Half of it is there before it is declared searchable, half comes later.
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
}, 600_000)
afterAll(() => tables.close())

function someNetworks(): NetworkId[] {
  return networks.filter(() => dice.below(2) === 0)
}

/** A user and a peer of it. */
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
    const user = await createUser(client, { name, attributes: values }, 1)
    for (const network of mine) await putMembership(client, { network, user: user.user, role: 'member' }, 1)
    const { peer: bound } = await bindPeer(client, { peer, user: user.user, name, attributes: own }, 1)
    const presence = { status, custom: name, metadata: says, since: 1, version: 1, lastSeenAt: 5 }
    const Item = { peer, user: user.user, ...presence, node: 'node_aaaaaaaa' as NodeId, networks: mine }
    if (isHere) await client.send(new PutCommand({ TableName: 'Presence', Item }))
    await indexRecord(client, { entity: 'user' }, user.user)
    await indexRecord(client, { entity: 'peer' }, peer)
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

const PATHS = {
  user: [...DECLARED.map((path) => `attributes.${path}`), 'attributes.loose', 'name', 'Name', 'createdAt'],
  peer: [
    ...DECLARED.map((path) => `attributes.${path}`),
    ...[
      'name',
      'status',
      'custom',
      'metadata.level',
      'metadata.modes',
      'metadata.text',
      'metadata.none',
      'lastSeenAt',
    ],
  ],
  object: [...DECLARED.map((path) => `value.${path}`), 'value.loose', 'VALUE.Level', 'owner'],
}
const collectionOf = (entity: Entity) => (entity === 'object' ? 'things' : undefined)

async function found(
  entity: 'user' | 'peer' | 'object',
  scopes: readonly string[],
  asked: object,
  limit: number,
  collection = collectionOf(entity),
) {
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const request = { entity, collection, scopes: scopes as Scope[], limit, cursor, ...asked }
    const page = await search(tables.client, request)
    ids.push(...page.items.map((item) => idOf(item as never)))
    cursor = page.cursor
  } while (cursor !== undefined)
  return ids
}

function idOf(item: { id?: string; peer?: string; user?: UserId }): string {
  return item.id ?? item.peer ?? item.user ?? ''
}

describe.each(['user', 'peer', 'object'] as const)('pages of %s searches', (entity) => {
  test('agree with the oracle on 700 generated filters', async () => {
    await forEach(
      dice.times(700 * SCALE, () => ({ asked: filter(dice, PATHS[entity]), limit: dice.of([30, 100, 100]) })),
      async ({ asked, limit }) => {
        const scopes = dice.below(3) === 0 ? ['*'] : networks.slice(0, 1 + dice.below(3))
        const expected = kept[entity]
          .filter((one) => one.scopes.some((scope) => scopes.includes(scope)) && asked.means(one.record))
          .map(({ id }) => id)
        const ids = await found(entity, scopes, { filter: asked.text }, limit)
        expect([...ids].sort(), asked.text).toEqual(expected.sort())
      },
      8,
    )
  }, 600_000)
})

test.each([
  false,
  true,
])('a search that sorts finds everything once, in order (descending: %s)', async (descending) => {
  for (const path of ['level', 'title']) {
    const ids = await found('object', ['*'], { sortBy: `value.${path}`, descending }, 50)
    const records = new Map(
      kept.object.map((one) => [one.id, (one.record as { value: Record<string, unknown> }).value]),
    )
    expect([...ids].sort()).toEqual([...records.keys()].sort())
    const values = ids
      .map((id) => records.get(id)!)
      .filter((value) => !('LEVEL' in value))
      .map((value) => value[path])
    const given = values
      .filter((value) => value !== undefined)
      .map((value) => (typeof value === 'string' ? [...value].slice(0, 128).join('') : value))
    for (let i = 1; i < given.length; i++) {
      const ordered = order(given[i - 1], given[i])!
      expect(descending ? ordered >= 0 : ordered <= 0, `${given[i - 1]} before ${given[i]}`).toBe(true)
    }
    const absent = values.map((value) => value === undefined)
    expect(absent).toEqual(
      [...absent]
        .sort((a, b) => Number(a) - Number(b) || 0)
        .toSorted((a, b) => (descending ? Number(b) - Number(a) : Number(a) - Number(b))),
    )
  }
})

/** What an object was: from when it may have been so, and when the index had it. */
interface State {
  readonly record: object | undefined
  readonly begunAt: number
  indexedAt: number
}

/** Edits, makes and deletes objects without a pause, and keeps what they were. */
class Writer {
  readonly states = new Map<string, State[]>()
  readonly #ids: readonly string[]
  #writes = 0

  constructor(ids: readonly string[]) {
    this.#ids = ids
  }

  async work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) await this.write()
  }

  async write(): Promise<void> {
    const id = this.#ids[this.#writes++ % this.#ids.length]!
    const objects = createObjects(tables.client)
    const key = { collection: 'busy', id }
    const current = await objects.get({ ...key, place: networks[0]! })
    const goes = current !== undefined && dice.below(12) === 0
    const { LEVEL: _, ...values } = attributes(dice)
    const value = { ...values, level: 1 + dice.below(40), tags: [`t${dice.below(30)}`, 'all'] }
    const place = { network: networks[0]!, value }
    const state: State = { record: goes ? undefined : place, begunAt: performance.now(), indexedAt: Infinity }
    this.states.set(id, [...(this.states.get(id) ?? []), state])
    if (current === undefined) await objects.create({ ...key, ...place }, 1)
    else if (goes) await objects.delete(current)
    else await objects.replace(current, value, 1)
    await indexRecord(tables.client, { entity: 'object', collection: 'busy' }, objectKeyOf(networks[0]!, id))
    state.indexedAt = performance.now()
  }

  /** What each object may have been to a search: as the index had it at first, and whatever it became until the end. */
  during(from: number, to: number): [id: string, states: readonly State[]][] {
    return [...this.states].map(([id, states]) => {
      const first = states.findLastIndex(({ indexedAt }) => indexedAt <= from)
      return [id, states.slice(Math.max(0, first)).filter(({ begunAt }) => begunAt <= to)]
    })
  }
}

const BUSY: readonly { readonly text: string; readonly means: OracleFilter['means'] }[] = [
  'value.level ge 1',
  'value.level gt 0 and value.level lt 100',
  'value.level le 20 or value.level gt 20',
  'value.level le 20 or value.level gt 20 or value.title pr',
  'value.level lt 1000 and not (value.level eq 0)',
  'value.tags sw "t"',
  'value.tags eq "all"',
  'value.tags pr',
  `${Array.from({ length: 20 }, (_, i) => `value.level eq ${i + 1}`).join(' or ')} or value.level gt 20`,
].map((text) => ({ text, means: () => true }))

describe('fault 5: while writers are at work', () => {
  test('nothing that matched throughout is missed and nothing comes twice', async () => {
    const searchable = DECLARED.map((path) => `value.${path}`)
    await putCollection(tables.client, { collection: 'busy', searchable, editable: 'owner' }, { now: 1 })
    await indexCollection(tables.client, 'busy')
    const writers = [0, 1, 2, 3].map((n) => new Writer(Array.from({ length: 12 }, (_, i) => `b${n}-${i}`)))
    await Promise.all(writers.map((writer) => forEach(Array(12), () => writer.write(), 1)))
    const over = new AbortController()
    const working = writers.map((writer) => writer.work(over.signal))
    const random = dice.times(60, () => filter(dice, [...searchable, 'value.level', 'value.level']))
    const sorted = [true, false].map((descending) => ({
      ...EVERYTHING,
      order: { sortBy: 'value.level', descending },
    }))
    let obliged = 0
    await forEach(
      [...BUSY, ...BUSY, ...BUSY, ...sorted, ...sorted, ...sorted, ...random],
      async (asked: OracleFilter & { readonly order?: object }) => {
        const query = { ...(asked.text !== '' && { filter: asked.text }), ...asked.order }
        const from = performance.now()
        const ids = await found('object', [networks[0]!], query, 5, 'busy')
        const to = performance.now()
        expect(new Set(ids).size, `twice: ${asked.text}`).toBe(ids.length)
        for (const writer of writers)
          for (const [id, states] of writer.during(from, to)) {
            const hits = states.filter(({ record }) => record !== undefined && asked.means(record))
            if (hits.length === states.length) {
              obliged++
              expect(ids, `missed: ${JSON.stringify(query)}`).toContain(id)
            } else if (hits.length === 0) expect(ids, `wrong: ${JSON.stringify(query)}`).not.toContain(id)
          }
      },
      3,
    )
    over.abort()
    await Promise.all(working)
    expect(obliged).toBeGreaterThan(1_000)
  }, 600_000)
})
