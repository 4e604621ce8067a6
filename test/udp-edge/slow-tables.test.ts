/** A node whose tables answer late: each call takes 200 ms. */
import { randomBytes } from 'node:crypto'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type NetworkId, toBase32, type UserId } from '../../shared/ids.ts'
import { LIMITS } from '../../shared/limits.ts'
import { createClient, tableName } from '../../shared/store/client.ts'
import { createDirectory } from '../../shared/store/directory.ts'
import { getMany } from '../../shared/store/pages.ts'
import { newPeer } from '../../shared/store/peers.ts'
import { itemOfUser, newUser } from '../../shared/store/users.ts'
import { userId } from '../core/checkpoint/world.ts'
import { startTables, type TablesUnderTest } from '../local/tables-under-test.ts'
import { NODE, startNode, startPeer } from './checkpoint-under-test.ts'

const CALL_MS = 200
const ends: (() => unknown)[] = []
let tables: TablesUnderTest
let slow: ReturnType<typeof createClient>

beforeAll(async () => {
  tables = await startTables()
  const late = await startLate(tables.endpoint)
  slow = createClient({ endpoint: late.endpoint })
  ends.push(
    () => slow.destroy(),
    late.close,
    () => tables.close(),
  )
})
afterAll(async () => {
  for (const end of ends.reverse()) await end()
})

/** Passes each call on to the tables after CALL_MS. */
async function startLate(endpoint: string) {
  const server = createServer((call, reply) => {
    const { method, url = '/', headers } = call
    setTimeout(() => {
      const onward = request(new URL(url, endpoint), { method, headers }, (answer) => {
        reply.writeHead(answer.statusCode!, answer.headers)
        answer.pipe(reply)
      })
      onward.on('error', () => reply.destroy())
      call.pipe(onward)
    }, CALL_MS)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

async function enrol(peer: Awaited<ReturnType<typeof startPeer>>, user: UserId, networks: NetworkId[]) {
  const put = (table: 'Users' | 'Peers', Item: object) =>
    tables.client.send(new PutCommand({ TableName: tableName(table), Item }))
  await put('Users', itemOfUser({ ...newUser({ name: 'x' }, 1), user, networks }))
  await put('Peers', newPeer({ peer: peer.scripted.id, user }, 1))
}

test('a user in a thousand networks is online within five seconds, and delays nobody else', async () => {
  const networks = Array.from(
    { length: LIMITS.networksPerUser },
    () => `n_${toBase32(randomBytes(10))}` as NetworkId,
  )
  const [busy, other] = [await startPeer(30, 'busy'), await startPeer(31, 'other')]
  const search = async () => ({ records: [], more: false })
  const { checkpoint, ...at } = await startNode(createDirectory(slow, { search }))
  ends.push(
    () => checkpoint.close(),
    () => busy.socket.close(),
    () => other.socket.close(),
  )
  await enrol(busy, userId('busy'), networks)
  await enrol(other, userId('other'), networks.slice(0, 1))
  const began = Date.now()
  const online = async ({ scripted, out, flush, until }: typeof busy) => {
    scripted.signIn(at, Date.now(), out)
    flush()
    await until(() => scripted.known)
    return Date.now() - began
  }
  const [tookBusy, tookOther] = await Promise.all([online(busy), online(other)])
  expect(tookBusy).toBeLessThan(5000)
  expect(tookOther).toBeLessThan(4000)
  expect(checkpoint.counters()).toMatchObject({ failedAsks: 0 })
  const keys = networks.map((network) => ({ network, node: NODE }))
  expect(await getMany(tables.client, 'NetworkNodes', keys)).toHaveLength(networks.length)
})
