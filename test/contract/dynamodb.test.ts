import { PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, expect, test } from 'vitest'
import { createIndexHandler } from '../../functions/streams/index.ts'
import { NODE_TABLES } from '../../infra/functions.ts'
import { startStreams } from '../../local/streams.ts'
import { StraightwayError } from '../../shared/errors.ts'
import type { NetworkId, NodeId, PeerId, UserId } from '../../shared/ids.ts'
import type { PresenceRecord, Status } from '../../shared/presence.ts'
import { createBlocks } from '../../shared/store/blocks.ts'
import { createClient } from '../../shared/store/client.ts'
import { createDirectory, type FindPeers } from '../../shared/store/directory.ts'
import { createPeers } from '../../shared/store/peers.ts'
import { createPeerSearch } from '../../shared/store/search.ts'
import { itemOfUser, newUser } from '../../shared/store/users.ts'
import { asFunction, permitted } from '../functions/permitted.ts'
import { startTables } from '../local/tables-under-test.ts'
import { directoryContract } from './directory.ts'

const tables = await startTables()
afterAll(async () => {
  await streams.close()
  await tables.close()
})
const { client } = tables
const node = permitted(client, NODE_TABLES)

const nothing: FindPeers = async () => ({ records: [], more: false })

const index = createIndexHandler(asFunction(client, 'index'))
const streams = await startStreams({
  endpoint: tables.endpoint,
  mappings: (['Users', 'Peers', 'Presence'] as const).map((table) => ({
    table,
    name: 'index',
    handler: index,
  })),
})

directoryContract('DynamoDB', async () => ({
  directory: createDirectory(node, { search: createPeerSearch(node) }),
  settled: () => streams.drain(),
  async enrol(peer, user, networks) {
    await client.send(
      new PutCommand({
        TableName: 'Users',
        Item: itemOfUser({ ...newUser({ name: 'one' }, 0), user, networks }),
      }),
    )
    await createPeers(client).bind({ peer, user }, 0)
  },
  revoke: (peer) => createPeers(client).revoke(peer, 1),
  block: (user, blocked) => createBlocks(client).add(user, blocked, 1),
  unblock: (user, blocked) => createBlocks(client).remove(user, blocked),
  async nodesOf(network) {
    const query = new QueryCommand({
      TableName: 'NetworkNodes',
      KeyConditionExpression: 'network = :network',
      ExpressionAttributeValues: { ':network': network },
    })
    const { Items = [] } = await client.send(query)
    return Items.map(({ node }) => node as NodeId)
  },
}))

test('a table that cannot be reached is a reply, not a rejection', async () => {
  const unreachable = createClient({ endpoint: 'http://127.0.0.1:1' })
  const directory = createDirectory(unreachable, { search: nothing })
  const reply = await directory.ask({
    kind: 'locate',
    peer: 'nobody' as PeerId,
    asker: { peer: 'me' as PeerId },
  })
  expect(reply).toMatchObject({ kind: 'failed', detail: expect.stringContaining('ECONNREFUSED') })
})

const find = {
  kind: 'find',
  asker: { peer: 'me' as PeerId, user: 'u' as UserId },
  networks: ['n' as NetworkId],
  filter: 'x',
  limit: 5,
} as const
const record = (peer: string, status: Status): PresenceRecord => ({
  peer: peer as PeerId,
  user: 'u' as UserId,
  status,
  custom: 'c',
  metadata: { a: 1 },
  since: 1,
  version: 1,
  lastSeenAt: 1,
})

test('whoever asks is not found, and who is invisible looks offline', async () => {
  const records = [record('me', 'online'), record('seen', 'away'), record('hidden', 'invisible')]
  const directory = createDirectory(client, { search: async () => ({ records, more: true }) })
  expect(await directory.ask(find)).toEqual({
    kind: 'find',
    found: [record('seen', 'away'), { ...record('hidden', 'offline'), custom: '', metadata: {} }],
    more: true,
  })
})

test('a filter that cannot be understood is told apart from a failure', async () => {
  const failing = (error: Error) => createDirectory(client, { search: () => Promise.reject(error) }).ask(find)
  expect(await failing(new StraightwayError('bad-request', 'no such operator'))).toMatchObject({
    kind: 'find',
    found: [],
    invalid: 'no such operator',
  })
  expect(await failing(new Error('broken'))).toEqual({ kind: 'failed', detail: 'Error: broken' })
})
