/**
 * Measures the cost of writes: calls and write units to index a change, and whether writes to a streamed table slow down as
 * its stream grows.
 */
import { readFileSync } from 'node:fs'
import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import type { Engine } from '../../local/engine.ts'
import type { UserId } from '../../shared/ids.ts'
import type { JsonObject } from '../../shared/model/json.ts'
import { tableName } from '../../shared/store/client.ts'
import { createCollections } from '../../shared/store/collections.ts'
import { indexCollection, indexRecord } from '../../shared/store/indexing.ts'
import { createMemberships } from '../../shared/store/memberships.ts'
import { Meter, metered } from '../../shared/store/meter.ts'
import { createNetworks } from '../../shared/store/networks.ts'
import { forEach } from '../../shared/store/pages.ts'
import { createPeers } from '../../shared/store/peers.ts'
import { createUsers } from '../../shared/store/users.ts'
import { newPeerId, numbers, type Society } from './society.ts'

export interface IndexWriteCost {
  readonly name: string
  readonly calls: number
  readonly units: number
}

/** Measures edits of a peer in 24 networks, with eight declared lists of sixteen values each. */
export async function indexWriteCosts(client: DynamoDBDocumentClient): Promise<IndexWriteCost[]> {
  const now = Date.now()
  const lists = numbers(8).map((i) => `list${i}`)
  const searchable = lists.map((list) => `attributes.${list}`)
  await createCollections(client).put({ collection: 'peers', searchable, editable: 'owner' }, { now })
  for (let step = 0; step < 20; step++) await indexCollection(client, 'peers')
  const { user } = await createUsers(client).create({ name: 'busy' }, now)
  for (const _ of numbers(24)) {
    const { network } = await createNetworks(client).create({ name: 'one of many' }, now)
    await createMemberships(client).put({ network, user, role: 'member' }, now)
  }
  const valuesOf = (edit: number): JsonObject =>
    Object.fromEntries(lists.map((list) => [list, numbers(16).map((i) => `${list} ${edit} ${i}`)]))
  const peer = newPeerId()
  await createPeers(client).bind({ peer, user, attributes: valuesOf(0) }, now)
  await indexRecord(client, { entity: 'peer' }, peer)
  const edit = async (name: string, attributes: JsonObject) => {
    await createPeers(client).update(peer, { patch: { attributes }, now })
    const meter = new Meter()
    await indexRecord(metered(client, meter), { entity: 'peer' }, peer)
    return { name, calls: meter.calls, units: meter.units }
  }
  const first = valuesOf(0).list0 as readonly string[]
  return [
    await edit('one value of 128 changes, in 24 networks', { list0: ['new', ...first.slice(1)] }),
    await edit('all 128 values change, in 24 networks', valuesOf(1)),
    await edit('nothing searchable changes', { note: 'x' }),
  ]
}

export interface StreamedWrites {
  readonly records: number
  readonly firstCpuMs: number
  readonly laterCpuMs: number
  /** `laterCpuMs` divided by `firstCpuMs`. */
  readonly ratio: number
}

const MEASURED = 2_000
const WIDTH = 8
const TICK_MS = 10

/** Measures the engine's CPU time per write, which other work on the machine does not affect. */
export async function streamedWrites(
  client: DynamoDBDocumentClient,
  engine: Engine,
  { userOf }: Society,
  records: number,
): Promise<StreamedWrites> {
  let written = 0
  const write = async (count: number) => {
    const before = cpuMs(engine)
    await forEach(numbers(count), () => touch(client, userOf(written++ % 50)), WIDTH)
    return (cpuMs(engine) - before) / count
  }
  await write(MEASURED / 4)
  const firstCpuMs = await write(MEASURED)
  await write(records)
  const laterCpuMs = await write(MEASURED)
  return { records, firstCpuMs, laterCpuMs, ratio: laterCpuMs / firstCpuMs }
}

function touch(client: DynamoDBDocumentClient, user: UserId) {
  return client.send(
    new UpdateCommand({
      TableName: tableName('Users'),
      Key: { user },
      UpdateExpression: 'SET updatedAt = :now',
      ExpressionAttributeValues: { ':now': Date.now() },
    }),
  )
}

function cpuMs({ pid }: Engine): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}
