/** The oracle while writers are active: records that matched throughout are found, and none is returned twice. */
import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NetworkId, NodeId, PeerId, UserId } from '../../shared/ids.ts'
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
import { EVERYTHING, filter, type OracleFilter } from './oracle/filters.ts'
import { found, type Searched } from './oracle/searches.ts'
import { attributes, DECLARED, TEXTS } from './oracle/values.ts'
import { type Change, Writer } from './oracle/writer.ts'

const dice = new Dice(Number(process.env.ORACLE_SEED ?? 1))
const WRITERS = 4
const RECORDS_EACH = 12
let tables: TablesUnderTest
let network: NetworkId

beforeAll(async () => {
  tables = await startTables()
  network = (await createNetworks(tables.client).create({ name: 'busy' }, 1)).network
  for (const [collection, prefix] of [
    ['users', 'attributes'],
    ['peers', 'attributes'],
    ['busy', 'value'],
  ] as const) {
    const searchable = DECLARED.map((path) => `${prefix}.${path}`)
    await createCollections(tables.client).put({ collection, searchable, editable: 'owner' }, { now: 1 })
    await indexCollection(tables.client, collection)
  }
})
afterAll(() => tables.close())

function values() {
  const { LEVEL: _, ...others } = attributes(dice)
  return { title: '', ...others, level: 1 + dice.below(40), tags: [`t${dice.below(30)}`, 'all'] }
}

interface Subject {
  readonly prefix: 'value' | 'attributes' | 'metadata'
  readonly paths: readonly string[]
  readonly make: (i: number) => Promise<string>
  readonly next: (id: string) => Promise<Change>
}

const declared = (prefix: string) => [...DECLARED, 'level', 'level'].map((path) => `${prefix}.${path}`)

/** Owners of peers. */
const owners = new Map<string, UserId>()
let version = 0

const SUBJECTS: Readonly<Record<Searched, Subject>> = {
  /** Objects are edited, deleted and created again. */
  object: {
    prefix: 'value',
    paths: declared('value'),
    make: async (i) => `b${i}`,
    async next(id) {
      const { client } = tables
      const objects = createObjects(client)
      const key = { collection: 'busy', id }
      const current = await objects.get({ ...key, place: network })
      const goes = current !== undefined && dice.below(12) === 0
      const place = { network, value: values() }
      const write = async () => {
        if (current === undefined) await objects.create({ ...key, ...place }, 1)
        else if (goes) await objects.delete(current)
        else await objects.replace(current, place.value, 1)
      }
      const enter = () =>
        indexRecord(client, { entity: 'object', collection: 'busy' }, objectKeyOf(network, id))
      return { record: goes ? undefined : place, make: () => write().then(enter) }
    },
  },
  /** Users are edited, leave the network and come back. */
  user: {
    prefix: 'attributes',
    paths: [...declared('attributes'), 'name'],
    async make(i) {
      const { user } = await createUsers(tables.client).create({ name: `user ${i}` }, 1)
      return user
    },
    async next(id) {
      const { client } = tables
      const user = id as UserId
      const { networks, name } = await createUsers(client).require(user)
      const goes = networks.length > 0 && dice.below(12) === 0
      const says = values()
      const write = async () => {
        if (goes) return createMemberships(client).remove(network, user)
        await client.send(edited(user, says))
        await createMemberships(client).put({ network, user, role: 'member' }, 1)
      }
      const enter = () => indexRecord(client, { entity: 'user' }, id)
      return {
        record: goes ? undefined : { name, attributes: says },
        make: () => write().then(enter),
      }
    },
  },
  /** Peers change what they publish. */
  peer: {
    prefix: 'metadata',
    paths: ['metadata.level', 'metadata.level', 'metadata.tags', 'metadata.title', 'status', 'custom'],
    async make(i) {
      const { user } = await createUsers(tables.client).create({ name: `owner ${i}` }, 1)
      await createMemberships(tables.client).put({ network, user, role: 'member' }, 1)
      const letters = 'abcdefghijklmnopqrstuvwxyz234567'
      const peer = `${letters[i % 32]}${letters[i >> 5]}`.repeat(26) as PeerId
      await createPeers(tables.client).bind({ peer, user, name: TEXTS[1 + (i % 6)]! }, 1)
      await indexRecord(tables.client, { entity: 'peer' }, peer)
      owners.set(peer, user)
      return peer
    },
    async next(id) {
      const { client } = tables
      const { level, tags, title } = values()
      const seen = { status: dice.of(['online', 'away']), custom: dice.of(TEXTS), lastSeenAt: 5 }
      const record = { ...seen, metadata: { level, tags, title } }
      const place = { node: 'node_aaaaaaaa' as NodeId, networks: [network] }
      const Item = { peer: id, user: owners.get(id), ...record, ...place, since: 1, version: ++version }
      const write = () => client.send(new PutCommand({ TableName: 'Presence', Item }))
      const enter = async () => void (await enterPresence(client, id as PeerId))
      return { record, make: () => write().then(enter) }
    },
  },
}

/** Replaces the attributes as a whole. A merge patch would leave parts of the earlier values. */
function edited(user: UserId, says: object): UpdateCommand {
  return new UpdateCommand({
    TableName: 'Users',
    Key: { user },
    UpdateExpression: 'SET attributes = :says ADD version :one',
    ExpressionAttributeValues: { ':says': says, ':one': 1 },
  })
}

/** Filters that every record always matches, while the values that they read change. */
const ALWAYS = (prefix: string): readonly OracleFilter[] =>
  [
    '@level ge 1',
    '@level gt 0 and @level lt 100',
    '@level ge 1 and @level le 40',
    '@level le 20 or @level gt 20',
    '@level le 20 or @level gt 20 or @title pr',
    '@level lt 1000 and not (@level eq 0)',
    '@tags sw "t"',
    '@tags eq "all"',
    '@tags pr',
    `${Array.from({ length: 12 }, (_, i) => `@level eq ${i + 1}`).join(' or ')} or @level gt 12`,
  ].map((text) => ({ text: text.replaceAll('@', `${prefix}.`), means: () => true }))

interface Question extends OracleFilter {
  readonly order?: { readonly sortBy: string; readonly descending: boolean }
}

function questionsOf({ prefix, paths }: Subject): readonly Question[] {
  const always = ALWAYS(prefix)
  const orders = prefix === 'metadata' ? ['name'] : [`${prefix}.level`, `${prefix}.title`]
  const sorted = orders.flatMap((sortBy) =>
    [true, false].map((descending) => ({ ...EVERYTHING, order: { sortBy, descending } })),
  )
  return [...always, ...always, ...sorted, ...sorted, ...dice.times(40, () => filter(dice, paths))]
}

describe.each(['user', 'peer', 'object'] as const)('fault 5: while writers change each %s', (entity) => {
  test('nothing that matched throughout is missed and nothing comes twice', async () => {
    const subject = SUBJECTS[entity]
    const collection = entity === 'object' ? 'busy' : undefined
    const ids = await Promise.all(dice.times(WRITERS * RECORDS_EACH, () => 0).map((_, i) => subject.make(i)))
    const writers = Array.from({ length: WRITERS }, (_, n) => {
      const own = ids.slice(n * RECORDS_EACH, (n + 1) * RECORDS_EACH)
      return new Writer(own, subject.next)
    })
    await Promise.all(writers.map((writer) => forEach(Array(RECORDS_EACH), () => writer.write(), 1)))
    const over = new AbortController()
    const working = writers.map((writer) => writer.work(over.signal))
    let obliged = 0
    await forEach(
      questionsOf(subject),
      async (asked) => {
        const query = { ...(asked.text !== '' && { filter: asked.text }), ...asked.order }
        const from = performance.now()
        const answer = await found(tables.client, {
          entity,
          collection,
          scopes: [network],
          ...query,
          limit: 5,
        })
        const to = performance.now()
        expect(new Set(answer).size, `twice: ${asked.text}`).toBe(answer.length)
        for (const [id, states] of writers.flatMap((writer) => writer.during(from, to))) {
          const hits = states.filter(({ record }) => record !== undefined && asked.means(record))
          if (hits.length === states.length) {
            obliged++
            expect(answer, `missed: ${JSON.stringify(query)}`).toContain(id)
          } else if (hits.length === 0) expect(answer, `wrong: ${JSON.stringify(query)}`).not.toContain(id)
        }
      },
      3,
    ).finally(() => over.abort())
    await Promise.all(working)
    expect(obliged).toBeGreaterThan(500)
  })
})
