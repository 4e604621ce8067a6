import { PutCommand } from '@aws-sdk/lib-dynamodb'
import { expect, test } from 'vitest'
import { benchFleet } from '../../bench/fleet/bench.ts'
import { MemoryTables } from '../../bench/fleet/tables.ts'
import { KINDS } from '../../infra/bill.ts'
import type { DirectoryRequest } from '../../shared/directory.ts'
import type { NetworkId, NodeId, PeerId, UserId } from '../../shared/ids.ts'
import { createDirectory } from '../../shared/store/directory.ts'
import { itemOfUser, newUser } from '../../shared/store/users.ts'
import { startTables } from '../local/tables-under-test.ts'

test('the counts of a fleet are those that `npm run cost` reckons with, within a fifth', async () => {
  const size = { peers: 1_500, nodes: 4, networkSize: 50, seconds: 600, progress: () => {} }
  const { bill, done, death } = await benchFleet(size)
  for (const kind of KINDS) {
    expect(bill.counted[kind] / bill.estimated[kind], kind).toBeGreaterThan(0.8)
    expect(bill.counted[kind] / bill.estimated[kind], kind).toBeLessThan(1.2)
  }
  expect(bill.total / bill.totalEstimated).toBeGreaterThan(0.8)
  expect(bill.total / bill.totalEstimated).toBeLessThan(1.2)
  expect(done.delivered).toBeGreaterThan(done.messages * 0.9)
  expect(death.peers).toBeGreaterThan(300)
  expect(death.secondsToRecover).toBeLessThan(180)
}, 600_000)

test('a sample does what all would do, and a node that dies has its share of all', async () => {
  const sample = {
    peers: 40_000,
    signedIn: 1_000,
    nodes: 12,
    networkSize: 50,
    seconds: 60,
    progress: () => {},
  }
  const { bill, death, done } = await benchFleet(sample)
  for (const kind of KINDS) {
    expect(bill.counted[kind] / bill.estimated[kind], kind).toBeGreaterThan(0.8)
    expect(bill.counted[kind] / bill.estimated[kind], kind).toBeLessThan(1.2)
  }
  expect(done.delivered).toBeGreaterThan(done.messages * 0.9)
  expect(death.peers).toBeGreaterThan(3_300)
  expect(death.secondsToRecover).toBeLessThan(180)
}, 600_000)

test('tables in memory answer the directory as the engine does', async () => {
  const engine = await startTables()
  const now = 1_800_000_000_000
  const memory = new MemoryTables({}, () => now)
  const none = { search: async () => ({ records: [], more: false }) }
  const [node, network] = ['node_aaaaaaaa' as NodeId, 'n_aaaaaaaaaaaaaaaa' as NetworkId]
  const [peer, user] = ['a'.repeat(52) as PeerId, 'u_aaaaaaaaaaaaaaaa' as UserId]
  const said = { status: 'online', custom: 'x', metadata: { a: 1 }, lastSeenAt: 5 } as const
  const item = { peer, user, node, networks: [network], ...said, since: 10, version: 1 }
  const message = { from: peer, epoch: 1, sequence: 1, previous: 0, previousIsStored: false, sentAt: now }
  const mail = { peer, user, message: { ...message, body: Uint8Array.of(1) }, now }
  const requests: DirectoryRequest[] = [
    { kind: 'signIn', item },
    { kind: 'signIn', item: { ...item, since: 9 } },
    { kind: 'update', item: { ...item, status: 'away', version: 2 } },
    { kind: 'update', item: { ...item, status: 'busy', version: 1 } },
    { kind: 'locate', peer, asker: { peer } },
    { kind: 'joinNetworks', networks: [network], node },
    { kind: 'storeMail', ...mail },
    { kind: 'storeMail', ...mail, message: { ...mail.message, sequence: 2 } },
    { kind: 'readMail', peer, limit: 1 },
    { kind: 'signOut', peer, node, since: 9, lastSeenAt: 7 },
    { kind: 'signOut', peer, node, since: 10, lastSeenAt: 7 },
    { kind: 'locate', peer, asker: { peer } },
    { kind: 'leaveNetworks', networks: [network], node },
  ] as DirectoryRequest[]
  const answers = async (client: MemoryTables['client']) => {
    const put = (TableName: string, Item: object) => client.send(new PutCommand({ TableName, Item }))
    await put('Peers', { peer, user, name: 'phone', attributes: {}, createdAt: 1, updatedAt: 1, version: 1 })
    await put('Users', itemOfUser({ ...newUser({ name: 'Ann' }, 1), user, networks: [network] }))
    const directory = createDirectory(client, none as never)
    const replies = []
    for (const request of requests) replies.push(await directory.ask(request))
    return replies
  }
  try {
    expect(await answers(memory.client)).toEqual(await answers(engine.client))
  } finally {
    await engine.close()
  }
})
