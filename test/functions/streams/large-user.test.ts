/** A user at the limits, in 1,000 networks and with 10,000 blocks, signs in at a node, is found and is notified. */
import { randomBytes } from 'node:crypto'
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import type { DynamoDBRecord } from 'aws-lambda'
import { beforeAll, expect, test } from 'vitest'
import { indexChanges } from '../../../functions/streams/index.ts'
import { createPresence } from '../../../functions/streams/presence.ts'
import { type DirectoryReply, type DirectoryRequest, MANY } from '../../../shared/directory.ts'
import { LIMITS } from '../../../shared/limits.ts'
import { createDirectory } from '../../../shared/store/directory.ts'
import { forEach } from '../../../shared/store/pages.ts'
import { createPeers } from '../../../shared/store/peers.ts'
import { createPeerSearch } from '../../../shared/store/search.ts'
import { itemOfUser, newUser } from '../../../shared/store/users.ts'
import { writeMany } from '../../../shared/store/write-many.ts'
import { countCalls, type TableCalls } from '../../store/table-calls.ts'
import { connectNode, react, startCloud } from '../cloud-under-test.ts'
import { join, newNetwork, newNode, newPeerId, newUserId, presenceAt, putPresence } from './world.ts'

const cloud = await startCloud()
const { client } = cloud
const taken = countCalls(client)
const directory = createDirectory(client, { search: createPeerSearch(client) })
const [here, there] = [newNode(), newNode()]
const networks = Array.from({ length: LIMITS.networksPerUser }, newNetwork)
const [user, peer] = [newUserId(), newPeerId()]
/** The user's presence as written by its node. */
const large = { ...presenceAt(here, []), user, peer, metadata: { game: 'go' } }
/** A member of one of the networks, at the other node. */
const ada = presenceAt(there, [networks[0]!])

/** Writes what INDEX would have created one by one. */
beforeAll(async () => {
  const made = { ...newUser({ name: 'large' }, 1), user, networks, blocks: LIMITS.blocksPerUser }
  const Item = { ...itemOfUser(made), blockCount: LIMITS.blocksPerUser }
  await client.send(new PutCommand({ TableName: 'Users', Item }))
  await createPeers(client).bind({ peer, user, name: 'large' }, 1)
  const blocks = Array.from({ length: LIMITS.blocksPerUser }, () => ({
    user,
    blocked: newPeerId(),
    blockedAt: 1,
  }))
  await putAll('Blocks', blocks)
  const state = { role: 'member', state: 'active', changedAt: 1, joinedAt: 1 }
  await putAll(
    'Memberships',
    networks.map((network) => ({ network, user, ...state })),
  )
  const kept = { name: 'one of many', attributes: {}, owners: 0, createdAt: 1, updatedAt: 1, version: 1 }
  await putAll(
    'Networks',
    networks.map((network) => ({ network, ...kept })),
  )
  await join(cloud, networks[0]!, there)
}, 600_000)

function putAll(table: string, items: readonly object[]): Promise<void> {
  const requests = items.map((Item) => ({ PutRequest: { Item: { ...Item } } }))
  return writeMany(client, table, requests)
}

function told(what: string): TableCalls {
  const cost = taken()
  console.log(JSON.stringify({ what, ...cost }))
  return cost
}

async function ask(request: DirectoryRequest): Promise<DirectoryReply> {
  const reply = await directory.ask(request)
  expect(reply.kind, JSON.stringify(reply)).toBe(request.kind)
  return reply
}

test('it signs in for one call for twenty networks and one for a megabyte of blocks', async () => {
  taken()
  const { networks: _, ...item } = large
  const reply = await ask({ kind: 'signIn', item })
  expect(reply).toMatchObject({ outcome: 'taken', standing: { blocks: LIMITS.blocksPerUser } })
  const first = told('signs in')
  expect(first.calls).toBeLessThanOrEqual(5)
  expect(first.bytes).toBeLessThan(200_000)
  const { blocks } = (await ask({ kind: 'blocks', user })) as Extract<DirectoryReply, { kind: 'blocks' }>
  expect(blocks).toHaveLength(LIMITS.blocksPerUser)
  const second = told('its blocks are read')
  expect(second.calls).toBeLessThanOrEqual(4)
  expect(second.bytes).toBeLessThan(3_000_000)
  const parts = Array.from({ length: Math.ceil(networks.length / MANY) }, (_, i) =>
    networks.slice(i * MANY, (i + 1) * MANY),
  )
  await forEach(parts, (part) => ask({ kind: 'joinNetworks', networks: part, node: here }))
  const third = told('its node joins its networks')
  expect(third.calls).toBe(5 * parts.length)
  expect(third.bytes).toBeLessThan(1_000 * LIMITS.networksPerUser)
})

test('it is entered among those who are there for one write a network', async () => {
  taken()
  const SequenceNumber = `${randomBytes(4).readUInt32BE()}`
  const changed: DynamoDBRecord = {
    eventSourceARN: 'arn:aws:dynamodb:a:b:table/Presence/stream/1',
    dynamodb: { Keys: { peer: { S: peer } }, SequenceNumber },
  }
  expect(await indexChanges([changed], client)).toEqual([])
  const { calls, bytes } = told('is entered')
  expect(calls).toBeLessThan(LIMITS.networksPerUser + 10)
  expect(bytes).toBeLessThan(1_000 * LIMITS.networksPerUser)
})

test('it is found by id and by what it says', async () => {
  const asker = { peer: ada.peer, user: ada.user }
  taken()
  expect(await ask({ kind: 'locate', peer, asker })).toMatchObject({ located: { peer, node: here } })
  expect(told('is found by id').calls).toBeLessThanOrEqual(4)
  const filter = 'metadata.game eq "go"'
  const found = await ask({ kind: 'find', asker, networks: [networks[0]!], filter, limit: 9 })
  expect(found).toMatchObject({ found: [{ peer }] })
  const { calls, bytes } = told('is found by what it says')
  expect(calls).toBeLessThanOrEqual(12)
  expect(bytes).toBeLessThan(300_000)
})

test('others are told of it, and it of them', async () => {
  const [mine, theirs] = [await connectNode(cloud, here), await connectNode(cloud, there)]
  const streams = await react(cloud, 'Presence', createPresence(cloud.streamOf('presence')))
  taken()
  await ask({ kind: 'update', item: { ...large, networks, status: 'busy', version: 2 } })
  await streams.drain()
  const pushes = await theirs.pushes()
  expect(pushes).toMatchObject([{ kind: 'presence', record: { peer, status: 'busy' } }])
  const own = told('changes its status')
  console.log(JSON.stringify({ what: 'the push of that', bytes: JSON.stringify(pushes).length }))
  expect(own.calls).toBeLessThan(LIMITS.networksPerUser + 20)
  // API Gateway accepts messages of up to 128 kB.
  expect(JSON.stringify(pushes).length).toBeLessThan(64_000)
  await mine.pushes()
  taken()
  await putPresence(cloud, { ...ada, status: 'away' })
  await streams.drain()
  expect(await mine.pushes()).toMatchObject([{ kind: 'presence', record: { peer: ada.peer } }])
  expect(told('is told of another').calls).toBeLessThan(12)
})
