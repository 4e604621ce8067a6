/** Peers without UDP, as an application sees them: like others, except that their tunnels are relayed. */
import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Peer, PeerSocket } from '../../peer/index.ts'
import { heard, systemUnderTest, until } from './system-under-test.ts'
import { gatePort, udpGate } from './udp-gate.ts'

const { port, indexHosts } = await gatePort()
const { system, join, joinAt } = await systemUnderTest({ indexHosts })
let ada: Peer
let ben: Peer
let cleo: Peer

beforeAll(async () => {
  ada = await joinAt(0, { udp: false, metadata: { game: 'chess' } })
  ben = await joinAt(1)
  cleo = await joinAt(1, { udp: false })
})

test('know that they are without, and others that they are not', () => {
  expect([ada, ben, cleo].map(({ udpBlocked }) => udpBlocked)).toEqual([true, false, true])
})

test('are found, and heard of when their status changes', async () => {
  await until(async () => (await ben.find('metadata.game eq "chess"'))[0]?.peer === ada.peer)
  const told = heard(ben, 'presence', ({ peer, status }) => peer === ada.peer && status === 'busy')
  ada.status('busy', { custom: 'at a board' })
  expect(await told).toMatchObject([{ custom: 'at a board' }])
})

test('find others, and hear of them', async () => {
  expect(await ada.find({ peer: ben.peer })).toMatchObject([{ status: 'online' }])
  const told = heard(ada, 'presence', ({ peer, status }) => peer === ben.peer && status === 'away')
  ben.status('away')
  await told
})

test.each([
  ['to a peer with UDP', () => [ada, ben]],
  ['from one', () => [ben, ada]],
  ['between two without', () => [ada, cleo]],
] as const)('exchange messages: %s', async (_, who) => {
  const [from, to] = who()
  const arrived = heard(to!, 'message')
  expect(await from!.send(to!.peer, 'e4')).toBe('delivered')
  expect(await arrived).toMatchObject([{ from: from!.peer, text: 'e4' }])
})

test('get what was sent while they were away', async () => {
  const identity = randomBytes(32)
  const dora = await join({ udp: false, identity })
  await dora.close()
  await until(async () => (await ben.find({ peer: dora.peer }))[0]?.status === 'offline')
  expect(await ben.send(dora.peer, 'later')).toBe('stored')
  const back = await join({ udp: false, identity })
  expect(await heard(back, 'message')).toMatchObject([{ text: 'later' }])
})

test('send no datagram to anybody where UDP is not wanted', async () => {
  const gate = await udpGate(
    system,
    port,
    system.nodes.flatMap(({ addresses: { checkpoint = [], handshake = [], stun = [] } }) => [
      ...new Set([...checkpoint, ...handshake, ...stun]),
    ]),
  )
  await using without = await join({ index: gate.index, udp: false })
  const arrived = heard(ben, 'message')
  expect(await without.send(ben.peer, 'by post')).toBe('delivered')
  await arrived
  expect(gate.datagrams).toBe(0)
  await using _with = await join({ index: gate.index })
  expect(gate.datagrams).toBeGreaterThan(0)
  gate.close()
})

test('find out by themselves where a network drops it, and do not wait for long', async () => {
  const gate = await udpGate(
    system,
    port,
    system.nodes.flatMap(({ addresses: { checkpoint = [], stun = [] } }) => [...checkpoint, ...stun]),
  )
  gate.isOpen = false
  const begunAt = Date.now()
  const eve = await join({ index: gate.index })
  expect(eve.udpBlocked).toBe(true)
  expect(Date.now() - begunAt).toBeLessThan(10_000)
  const arrived = heard(ben, 'message')
  expect(await eve.send(ben.peer, 'in spite of it')).toBe('delivered')
  await arrived
  await eve.close()
  gate.close()
})

test('where only the port of CHECKPOINTs is dropped, a tunnel is direct all the same', async () => {
  const gate = await udpGate(
    system,
    port,
    system.nodes.map(({ addresses }) => addresses.checkpoint![0]!),
  )
  gate.isOpen = false
  const fay = await join({ index: gate.index })
  expect(fay.udpBlocked).toBe(false)
  const accepted = heard(ben, 'offer').then(([offer]) => offer.accept())
  const ends = await Promise.all([fay.connect(ben.peer), accepted])
  await until(() => ends.every(({ path }) => path === 'direct'))
  await fay.close()
  gate.close()
})

describe('tunnels', () => {
  async function tunnel(from: Peer, to: Peer): Promise<[PeerSocket, PeerSocket]> {
    const accepted = heard(to, 'offer').then(([offer]) => offer.accept())
    return Promise.all([from.connect(to.peer), accepted])
  }

  test.each([
    ['to a peer with UDP', () => [ada, ben]],
    ['from one', () => [ben, ada]],
    ['between two without', () => [ada, cleo]],
  ] as const)('are relayed, and say why: %s', async (_, who) => {
    const [from, to] = who()
    const [a, b] = await tunnel(from!, to!)
    const arrived = [heard(a, 'message'), heard(b, 'message')]
    a.send('there')
    b.send('back')
    expect((await Promise.all(arrived)).map(([bytes]) => `${bytes}`)).toEqual(['back', 'there'])
    await until(() => [a, b].every(({ whyNotDirect }) => whyNotDirect === 'udp-blocked'))
    expect([a.path, b.path]).toEqual(['relayed', 'relayed'])
    a.close()
  })

  test('carry streams whole', async () => {
    const [a, b] = await tunnel(ada, cleo)
    const arrived = heard(b, 'stream').then(([stream]) => buffer(stream))
    const sent = randomBytes(1 << 20)
    const stream = await a.createStream()
    stream.end(sent)
    expect((await arrived).equals(sent)).toBe(true)
    a.close()
  })
})
