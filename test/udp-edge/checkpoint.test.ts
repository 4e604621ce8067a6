import { afterEach, expect, test } from 'vitest'
import { identityOf } from '../../shared/crypto/identity.ts'
import type { NodeId } from '../../shared/ids.ts'
import { parseAddress } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { KIND } from '../../shared/wire/numbers.ts'
import { bindDgram } from '../../udp-edge/bind.ts'
import { startCheckpoint } from '../../udp-edge/checkpoint.ts'
import { ScriptedPeer } from '../core/checkpoint/scripted-peer.ts'
import { FLEET_KEY, ISSUER, networkId, ticketFor, userId } from '../core/checkpoint/world.ts'
import { memoryDirectory } from '../sim/directory.ts'
import { Tables } from '../sim/tables.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

async function node(tables: Tables) {
  const keys = identityOf(new Uint8Array(32).fill(1))
  const identity = { publicKey: keys.staticPublic, secretKey: keys.staticSecret }
  const checkpoint = await startCheckpoint({
    ...{ host: '127.0.0.1', port: 0, node: 'node_aaaaaaaa' as NodeId, identity },
    ...{ fleetKeys: [FLEET_KEY], ticketKeys: new Map([['k1', ISSUER.publicKey]]) },
    directory: memoryDirectory(tables),
  })
  open.push(checkpoint)
  return { checkpoint, publicKey: identity.publicKey, address: parseAddress(checkpoint.address)! }
}

/** A scripted peer on a real socket. `until` resolves when a condition holds after a datagram arrived. */
async function peer(seed: number, user: string) {
  const identity = identityOf(new Uint8Array(32).fill(seed))
  const ticket = ticketFor(identity, user, Date.now())
  const inbox = new Batch()
  const scripted = new ScriptedPeer({ identity, ticket, address: parseAddress('127.0.0.1:0')! })
  const [out, waiting] = [new Batch(), [] as { holds: () => boolean; done: () => void }[]]
  const flush = () => {
    scripted.session?.flush(out, Date.now())
    socket.send(out, 0, out.count)
    out.clear()
  }
  const arrived = () => {
    for (let i = 0; i < inbox.count; i++) scripted.receive(inbox, i, Date.now())
    inbox.clear()
    flush()
    for (const { holds, done } of waiting) if (holds()) done()
  }
  const socket = await bindDgram({ host: '127.0.0.1', port: 0 }, { batch: inbox, socket: 0, arrived })
  open.push(socket)
  const until = (holds: () => boolean) => new Promise<void>((done) => waiting.push({ holds, done }))
  return { scripted, out, flush, until, socket }
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
