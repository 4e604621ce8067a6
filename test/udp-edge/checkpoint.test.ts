import { afterEach, expect, test } from 'vitest'
import { KIND } from '../../shared/wire/numbers.ts'
import { ISSUER, networkId, userId } from '../core/checkpoint/world.ts'
import { memoryDirectory } from '../sim/directory.ts'
import { Tables } from '../sim/tables.ts'
import { startNode, startPeer } from './checkpoint-under-test.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

async function node(tables: Tables) {
  const started = await startNode(memoryDirectory(tables))
  open.push(started.checkpoint)
  return started
}

async function peer(seed: number, user: string) {
  const started = await startPeer(seed, user)
  open.push(started.socket)
  return started
}

test('a peer signs in over a real socket, is kept alive, and is offline in the tables when it has left', async () => {
  const tables = new Tables()
  const { checkpoint, ...at } = await node(tables)
  const { scripted, out, flush, until, socket } = await peer(20, 'ann')
  tables.enrol(scripted.id, userId('ann'))
  scripted.signIn(at, Date.now(), out)
  flush()
  await until(() => scripted.session?.settled === true)
  expect(scripted.welcome?.status).toBe('welcome')
  expect(scripted.welcome?.observed.words).toEqual(socket.addresses[0]!.words)
  await expect.poll(() => tables.presence.get(scripted.id)?.status).toBe('online')
  expect(checkpoint.sessions).toBe(1)
  scripted.keepAlive(out)
  flush()
  await until(() => scripted.short.length > 0)
  expect(scripted.short).toEqual([{ kind: KIND.KEEP_ALIVE_ACK, length: 6 }])
  scripted.session!.goodbye('leaving')
  flush()
  await expect.poll(() => tables.presence.get(scripted.id)?.status).toBe('offline')
  expect(checkpoint.counters()).toMatchObject({ signIns: 1, keepAlives: 1, malformed: 0 })
})

test('a push reaches the peer that it concerns, and a drained node resolves', async () => {
  const tables = new Tables()
  const { checkpoint, ...at } = await node(tables)
  const { scripted, out, flush, until } = await peer(21, 'bob')
  tables.enrol(scripted.id, userId('bob'))
  tables.setRole(networkId('home'), userId('bob'), 'member')
  scripted.signIn(at, Date.now(), out)
  flush()
  await until(() => checkpoint.sessions === 1)
  const networks = [networkId('home')]
  checkpoint.push({
    kind: 'metadata',
    entity: 'network',
    id: networks[0]!,
    networks,
    value: { name: 'Home' },
  })
  await until(() => scripted.changes.length > 0)
  expect(scripted.changes[0]).toMatchObject({ value: { name: 'Home' } })
  const drained = checkpoint.drain(60_000)
  await until(() => scripted.session?.state === 'left')
  checkpoint.push({ kind: 'revoked', peer: scripted.id })
  await drained
  expect(checkpoint.sessions).toBe(0)
})

test('a ticket of a key that the node learns while it runs is accepted from then on', async () => {
  const tables = new Tables()
  const { checkpoint, ...at } = await node(tables)
  const { scripted, out, flush, until } = await peer(22, 'cid')
  const current = new Map([['k1', ISSUER.publicKey]])
  checkpoint.setTicketKeys(new Map([['k0', ISSUER.publicKey]]))
  scripted.signIn(at, Date.now(), out)
  flush()
  await until(() => scripted.welcome !== undefined)
  expect(scripted.welcome?.status).toBe('invalid')
  checkpoint.setTicketKeys(current)
  scripted.signIn(at, Date.now(), out)
  flush()
  await until(() => scripted.session?.settled === true)
  expect(scripted.welcome?.status).toBe('welcome')
})
