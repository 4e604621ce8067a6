/** The stream function is killed repeatedly while the index follows thousands of changes. */
import { DeleteTableCommand } from '@aws-sdk/client-dynamodb'
import { DeleteCommand, type DynamoDBDocumentClient, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { marshall } from '@aws-sdk/util-dynamodb'
import type { DynamoDBRecord } from 'aws-lambda'
import { afterAll, expect, test } from 'vitest'
import { indexChanges } from '../../functions/streams/index.ts'
import { createTables } from '../../local/engine.ts'
import type { NetworkId, PeerId, UserId } from '../../shared/ids.ts'
import { createCollections } from '../../shared/store/collections.ts'
import { indexCollection } from '../../shared/store/indexing.ts'
import { createMemberships } from '../../shared/store/memberships.ts'
import { createNetworks } from '../../shared/store/networks.ts'
import { objectKeyOf } from '../../shared/store/objects.ts'
import { forEach } from '../../shared/store/pages.ts'
import { createPeers } from '../../shared/store/peers.ts'
import type { TableName } from '../../shared/store/tables.ts'
import { createUsers } from '../../shared/store/users.ts'
import { startTables } from '../local/tables-under-test.ts'
import { Dice } from './oracle/dice.ts'
import { attributes, DECLARED, NUMBERS, TEXTS } from './oracle/values.ts'

const tables = await startTables()
const { client } = tables
afterAll(() => tables.close())

const CHANGES = Number(process.env.KILL_CHANGES ?? 10_000)
const BATCH = 100
const dice = new Dice(Number(process.env.KILL_SEED ?? 7))
const collection = 'killed'
const OWNER = 'u_aaaaaaaaaaaaaaaa' as UserId
const KILLED = new Error('the function was killed')
const READS = new Set(['GetCommand', 'QueryCommand', 'BatchGetCommand'])

/** Time advances between batches, so that entries that searches no longer read are removed while the test runs. */
let time = Date.now()
const now = () => time

/** Returns a client that dies after some calls. Its last write reaches the tables or is lost. */
function mortal(calls: number): DynamoDBDocumentClient {
  let left = calls
  const send = async (command: { constructor: { name: string } }) => {
    if (left < 0) throw KILLED
    if (left-- > 0 || READS.has(command.constructor.name)) return client.send(command as never)
    if (dice.below(2) === 0) await client.send(command as never)
    throw KILLED
  }
  return { send } as unknown as DynamoDBDocumentClient
}

type Keys = Readonly<Record<string, string>>

function changed(table: TableName, keys: Keys): DynamoDBRecord {
  const dynamodb = { Keys: marshall(keys), SequenceNumber: `${dice.below(1e9)}` }
  return {
    eventSourceARN: `arn:aws:dynamodb:a:b:table/${table}/stream/1`,
    dynamodb: dynamodb as DynamoDBRecord['dynamodb'] & object,
  }
}

interface Person {
  readonly user: UserId
  readonly peer: PeerId
}

const OBJECTS = Array.from({ length: 120 }, (_, i) => objectKeyOf(OWNER, `k${i}`))
let networks: readonly NetworkId[] = []
let people: readonly Person[] = []

async function makeSociety(): Promise<void> {
  const made = Array.from({ length: 3 }, () => createNetworks(client).create({ name: 'n' }, time))
  networks = (await Promise.all(made)).map(({ network }) => network)
  people = await Promise.all(
    Array.from({ length: 40 }, async (_, i) => {
      const { user } = await createUsers(client).create({ name: `person ${i}` }, time)
      const peer = `${'abcdefghijklmnopqrstuvwxyz234567'[i % 32]}${i < 32 ? 'a' : 'b'}`.repeat(26) as PeerId
      await createPeers(client).bind({ peer, user }, time)
      return { user, peer }
    }),
  )
}

let presenceVersion = 0

/** Changes a record and returns its stream record. */
const CHANGE = {
  async object(): Promise<DynamoDBRecord> {
    const Key = { collection, id: dice.of(OBJECTS) }
    const made = { createdAt: 1, updatedAt: 1, version: dice.below(1e9) }
    const Item = { ...Key, network: OWNER, owner: OWNER, value: attributes(dice), ...made }
    if (dice.below(8) === 0) await client.send(new DeleteCommand({ TableName: 'Objects', Key }))
    else await client.send(new PutCommand({ TableName: 'Objects', Item }))
    return changed('Objects', Key)
  },
  async user(): Promise<DynamoDBRecord> {
    const { user } = dice.of(people)
    await createUsers(client).update(user, { patch: { attributes: attributes(dice) }, now: time })
    return changed('Users', { user })
  },
  async peer(): Promise<DynamoDBRecord> {
    const { peer } = dice.of(people)
    await createPeers(client).update(peer, { patch: { attributes: attributes(dice) }, now: time })
    return changed('Peers', { peer })
  },
  async presence(): Promise<DynamoDBRecord> {
    const { user, peer } = dice.of(people)
    const says = { level: dice.of(NUMBERS), modes: dice.times(dice.below(4), () => dice.of(TEXTS)) }
    const status = dice.of(['online', 'away', 'offline', 'invisible'])
    const seen = { since: 1, version: ++presenceVersion, lastSeenAt: time, networks }
    const node = dice.below(8) === 0 ? {} : { node: 'node_aaaaaaaa' }
    const Item = { peer, user, status, custom: dice.of(TEXTS), metadata: says, ...seen, ...node }
    await client.send(new PutCommand({ TableName: 'Presence', Item }))
    return changed('Presence', { peer })
  },
  async membership(): Promise<DynamoDBRecord> {
    const [{ user }, network] = [dice.of(people), dice.of(networks)]
    if ((await createMemberships(client).get(network, user)) === undefined)
      await createMemberships(client).put({ network, user, role: 'member' }, time)
    else await createMemberships(client).remove(network, user).catch(expectGone)
    return changed('Memberships', { network, user })
  },
} as const

/** Accepts that another change of the batch removed the record first. */
function expectGone(error: { readonly code?: string }): void {
  if (error.code !== 'not-found') throw error
}

const KINDS = [
  ...['object', 'object', 'object', 'object', 'object', 'user', 'peer', 'presence', 'presence', 'membership'],
] as readonly (keyof typeof CHANGE)[]

/** Returns the index entries of records, without the times of entry. */
async function entries(): Promise<string[]> {
  const found: string[] = []
  let from: Record<string, unknown> | undefined
  do {
    const scan = new ScanCommand({ TableName: 'SearchTerms', ExclusiveStartKey: from })
    const { Items = [], LastEvaluatedKey } = await client.send(scan)
    for (const { term, entry, until, card, units } of Items)
      if (!term.startsWith('=') && until === undefined) found.push(JSON.stringify([term, entry, card, units]))
    from = LastEvaluatedKey
  } while (from !== undefined)
  return found.sort()
}

/** Rebuilds the index from nothing: enters everything in its current state. */
async function rebuild(): Promise<string[]> {
  await client.send(new DeleteTableCommand({ TableName: 'SearchTerms' }))
  await createTables(client)
  const records = [
    ...OBJECTS.map((id) => changed('Objects', { collection, id })),
    ...people.flatMap(({ user, peer }) => [
      changed('Users', { user }),
      changed('Peers', { peer }),
      changed('Presence', { peer }),
    ]),
  ]
  expect(await indexChanges(records, client, now)).toEqual([])
  return entries()
}

/** Delivers records. Returns how often the function died before all were handled. */
async function deliver(records: readonly DynamoDBRecord[]): Promise<number> {
  let kills = 0
  for (let left = records; left.length > 0; ) {
    const failures = await indexChanges(left, mortal(dice.of([0, 3, 7, 20, 50, 90, 1e9])), now)
    const failed = new Set(failures.map(({ itemIdentifier }) => itemIdentifier))
    const first = left.findIndex(({ dynamodb }) => failed.has(dynamodb?.SequenceNumber ?? ''))
    if (first >= 0) kills++
    left = first < 0 ? [] : left.slice(first)
  }
  return kills
}

test('killed at random points it leaves the index equal to a rebuild', async () => {
  const log = console.error
  console.error = () => {}
  await makeSociety()
  for (const [name, prefix] of [
    [collection, 'value'],
    ['users', 'attributes'],
    ['peers', 'attributes'],
  ] as const) {
    const searchable = DECLARED.map((path) => `${prefix}.${path}`)
    await createCollections(client).put({ collection: name, searchable, editable: 'owner' }, { now: time })
    await indexCollection(client, name, now)
  }
  let kills = 0
  for (let made = 0; made < CHANGES; made += BATCH) {
    const records: DynamoDBRecord[] = []
    await forEach(
      dice.times(BATCH, () => dice.of(KINDS)),
      async (kind) => records.push(await CHANGE[kind]()),
    )
    kills += await deliver(records)
    time += dice.of([10, 1_000, 30_000, 120_000])
  }
  console.error = log
  const followed = await entries()
  expect(followed).toEqual(await rebuild())
  expect(followed.length).toBeGreaterThan(1_000)
  expect(kills).toBeGreaterThan(CHANGES / 200)
})
