import { randomBytes } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb'
import type { DynamoDBRecord } from 'aws-lambda'
import { expect, onTestFinished, test } from 'vitest'
import { createIndexHandler, indexChanges } from '../../../functions/streams/index.ts'
import { createIndexNote } from '../../../functions/streams/index-note.ts'
import { createMetadata } from '../../../functions/streams/metadata.ts'
import { oneReader } from '../../../functions/streams/one-reader.ts'
import { FUNCTIONS, type FunctionDescription } from '../../../infra/functions.ts'
import { startStreams } from '../../../local/streams.ts'
import type { StreamHandler } from '../../../local/streams-delivery.ts'
import { toBase32 } from '../../../shared/ids.ts'
import { type QueuedBatch, queueForIndex, subjectsIn } from '../../../shared/store/index-queue.ts'
import { indexRecord } from '../../../shared/store/indexing.ts'
import { Meter, metered } from '../../../shared/store/meter.ts'
import { forEach } from '../../../shared/store/pages.ts'
import { connectNode, react, startCloud } from '../cloud-under-test.ts'
import { join, newNetwork, newNode } from './world.ts'

const cloud = await startCloud()
const { client } = cloud

const objectOf = (collection: string, id: string, network: string, level: number) => ({
  ...{ collection, id, network, value: { level } },
  ...{ createdAt: 1, updatedAt: 1, version: level },
})
const put = (Item: object) => client.send(new PutCommand({ TableName: 'Objects', Item }))

async function indexed(collection: string): Promise<number> {
  const { Items = [] } = await client.send(new ScanCommand({ TableName: 'SearchTerms' }))
  return Items.filter(({ term }) => term.startsWith(`=object/${collection}#`)).length
}

test('fault 7: an edit behind 200 writes is pushed although not one of them can be indexed yet', async () => {
  const [network, id] = [newNetwork(), newNode()]
  await join(cloud, network, id)
  const node = await connectNode(cloud, id)
  const metadata = cloud.streamOf('metadata')
  const reader = oneReader(createMetadata(metadata), createIndexNote(metadata.client))
  const streams = await react(cloud, 'Objects', reader)
  const released = Promise.withResolvers<void>()
  const index = createIndexHandler(cloud.streamOf('index').client)
  const held: StreamHandler = (event, context) => released.promise.then(() => index(event, context))
  const indexing = await startStreams({
    endpoint: cloud.endpoint,
    mappings: [{ table: 'IndexQueue', name: 'index', handler: held }],
  })
  onTestFinished(() => indexing.close())
  const ids = Array.from({ length: 200 }, (_, i) => `o${i}`)
  await forEach(ids, (one) => put(objectOf('crowd', one, network, 1)))
  await put(objectOf('crowd', 'edited', network, 2))
  await streams.drain()
  const pushed = (await node.pushes()).map((push) => ('id' in push ? push.id : ''))
  expect(pushed).toHaveLength(201)
  expect(pushed.at(-1)).toBe('edited')
  expect(await indexed('crowd')).toBe(0)
  released.resolve()
  await indexing.drain()
  expect(await indexed('crowd')).toBe(201)
})

test('fault 7: no function that pushes to nodes writes the index', () => {
  const descriptions: readonly FunctionDescription[] = Object.values(FUNCTIONS)
  const pushing = descriptions.filter(({ pushes }) => pushes)
  expect(pushing.length).toBeGreaterThan(4)
  expect(pushing.filter(({ writes = [] }) => writes.includes('SearchTerms'))).toEqual([])
})

let sequence = 0
const recordOf = (collection: string, id: string): DynamoDBRecord => ({
  eventSourceARN: 'arn:aws:dynamodb:here:000000000000:table/Objects/stream/2026',
  dynamodb: { Keys: { collection: { S: collection }, id: { S: id } }, SequenceNumber: `${++sequence}` },
})

test('a batch of 100 records is noted with one write, each subject once', async () => {
  const meter = new Meter()
  const note = createIndexNote(metered(client, meter))
  const twice = Array.from({ length: 100 }, (_, i) => recordOf('noted', `o${i % 50}`))
  expect(await note({ Records: twice }, {} as never)).toEqual({ batchItemFailures: [] })
  expect(meter.calls).toBe(1)
  const { Items = [] } = await client.send(new ScanCommand({ TableName: 'IndexQueue' }))
  const noted = (Items as QueuedBatch[])
    .map(subjectsIn)
    .filter(([first]) => first?.keys.collection === 'noted')
  expect(noted.map(({ length }) => length)).toEqual([50])
})

test('what is not begun in time comes again, in the order in which it came', async () => {
  let time = Date.now()
  const records = Array.from({ length: 100 }, (_, i) => recordOf('slow', `o${i}`))
  const network = newNetwork()
  for (const { dynamodb } of records) await put(objectOf('slow', dynamodb!.Keys!.id!.S!, network, 1))
  const failures = await indexChanges(records, client, () => (time += 150))
  const failed = new Set(failures.map(({ itemIdentifier }) => itemIdentifier))
  const left = records.filter(({ dynamodb }) => failed.has(dynamodb!.SequenceNumber!))
  expect(left.length).toBeGreaterThan(0)
  expect(left).toEqual(records.slice(-left.length))
  expect(await indexed('slow')).toBe(100 - left.length)
  expect(await indexChanges(left, client)).toEqual([])
  expect(await indexed('slow')).toBe(100)
})

test('records of a batch are indexed at the same time', async () => {
  const network = newNetwork()
  const ids = Array.from({ length: 48 }, (_, i) => `p${i}`)
  await forEach(ids, (id) => put(objectOf('wide', id, network, 1)))
  let inside = 0
  let most = 0
  const watched = {
    send: async (command: never) => {
      most = Math.max(most, ++inside)
      return client.send(command).finally(() => inside--)
    },
  } as unknown as typeof client
  await indexChanges(
    ids.map((id) => recordOf('wide', id)),
    watched,
  )
  expect(most).toBeGreaterThanOrEqual(24)
  await indexRecord(client, { entity: 'object', collection: 'wide' }, 'p0')
  expect(await indexed('wide')).toBe(48)
})

test('a note of a hundred changes of presence is charged as five writes at most, and names them all', async () => {
  const subjects = Array.from({ length: 100 }, () => {
    return { table: 'Presence', keys: { peer: toBase32(randomBytes(32)) } } as const
  })
  const sent: { readonly input: { readonly Item: QueuedBatch } }[] = []
  const watched = { send: async (command: (typeof sent)[0]) => sent.push(command) }
  await queueForIndex(watched as never, subjects, 0)
  const batch = sent[0]!.input.Item
  expect((batch.subjects as Uint8Array).length + 100).toBeLessThan(5 * 1024)
  expect(subjectsIn(batch)).toEqual(subjects)
  const inRecord = Buffer.from(batch.subjects as Uint8Array).toString('base64')
  expect(subjectsIn({ ...batch, subjects: inRecord })).toEqual(subjects)
  expect(subjectsIn({ ...batch, subjects })).toEqual(subjects)
})

test('the longest batch is read, and one that inflates to more is refused', () => {
  const id = 'x'.repeat(3_000)
  const longest = Array.from({ length: 1_000 }, (_, i) => ({ table: 'Objects', keys: { id: `${id}${i}` } }))
  const batch = (subjects: Uint8Array) => ({ batch: 'b', subjects, expiresAtSeconds: 1 })
  expect(subjectsIn(batch(deflateRawSync(JSON.stringify(longest))))).toHaveLength(1_000)
  const bomb = deflateRawSync(Buffer.alloc(8 * 1024 * 1024, ' '))
  expect(bomb.length).toBeLessThan(100_000)
  expect(() => subjectsIn(batch(bomb))).toThrow('Cannot create a Buffer larger than')
})
