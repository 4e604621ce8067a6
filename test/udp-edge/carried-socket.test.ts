import dgram from 'node:dgram'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { ADDRESS_WORDS, formatAddress, parseAddress } from '../../shared/wire/address.ts'
import { Batch, SLOT_BYTES } from '../../shared/wire/batch.ts'
import { bindDgram } from '../../udp-edge/bind.ts'
import { CarriedPeers } from '../../udp-edge/carried-socket.ts'
import { DgramSocket } from '../../udp-edge/dgram-socket.ts'
import type { DatagramSocket } from '../../udp-edge/socket.ts'

const HOST = '127.0.0.1'
const opened: { close(): unknown }[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()))
})

interface World {
  readonly peers: CarriedPeers
  readonly socket: DatagramSocket
  /** Received datagrams, from carriers and over UDP. */
  readonly batch: Batch
  /** Resolves when the next datagram arrives over UDP. */
  arrival(): Promise<void>
}

async function world(): Promise<World> {
  const peers = new CarriedPeers()
  const batch = new Batch(1)
  let told = () => {}
  const inbox = { batch, socket: 3, arrived: () => told() }
  const socket = await peers.beside(bindDgram)({ host: HOST, port: 0 }, inbox)
  opened.push(socket)
  const arrival = () => new Promise<void>((resolve) => (told = resolve))
  return { peers, socket, batch, arrival }
}

async function udpPeer(): Promise<dgram.Socket> {
  const socket = dgram.createSocket('udp4').bind(0, HOST)
  await once(socket, 'listening')
  opened.push(socket)
  return socket
}

function outgoing(...datagrams: [text: string, words: Uint32Array][]): Batch {
  const batch = new Batch()
  for (const [text, words] of datagrams) batch.push(Buffer.from(text), words)
  return batch
}

const accepting = (delivered: string[]) => (bytes: Uint8Array) => {
  delivered.push(Buffer.from(bytes).toString())
  return true
}

test('a carried peer and one of UDP come in through the same socket, each from an address of its own', async () => {
  const { peers, socket, batch, arrival } = await world()
  const udp = await udpPeer()
  const carried = peers.open(() => true)
  carried.arrived(Buffer.from('by stream'))
  const came = arrival()
  udp.send('by UDP', socket.addresses[0]!.words[4]!, HOST)
  await came
  const texts = [0, 1].map((i) => Buffer.from(batch.at(i)).toString())
  expect(texts).toEqual(['by stream', 'by UDP'])
  expect([batch.socket[0], batch.socket[1]]).toEqual([3, 3])
  expect(formatAddress(batch.address, 0)).toBe('[100::1:0:0]:1')
  expect(formatAddress(batch.address, ADDRESS_WORDS)).toBe(`${HOST}:${udp.address().port}`)
})

test('each datagram of a run goes to whom it is for', async () => {
  const { peers, socket } = await world()
  const udp = await udpPeer()
  const { words } = parseAddress(`${HOST}:${udp.address().port}`)!
  const [one, two]: [string[], string[]] = [[], []]
  const [a, b] = [peers.open(accepting(one)), peers.open(accepting(two))]
  const batch = outgoing(['1', words], ['2', a.address.words], ['3', words], ['4', b.address.words])
  batch.push(Buffer.from('5'), words)
  const heard: string[] = []
  const whole = new Promise<void>((resolve) => {
    udp.on('message', (bytes) => heard.push(bytes.toString()) === 3 && resolve())
  })
  socket.send(batch, 0, batch.count)
  await whole
  expect([heard, one, two]).toEqual([['1', '3', '5'], ['2'], ['4']])
  expect(socket.counters).toMatchObject({ sent: 5, dropped: 0 })
})

test('what is late for a peer that has gone reaches nobody, though its place is taken again', async () => {
  const { peers, socket } = await world()
  const [first, second]: [string[], string[]] = [[], []]
  const gone = peers.open(accepting(first))
  gone.close()
  gone.close()
  const next = peers.open(accepting(second))
  const other = peers.open(() => true)
  expect(next.address.words[3]).toBe(gone.address.words[3])
  expect(other.address.words[3]).not.toBe(next.address.words[3])
  const batch = outgoing(['late', gone.address.words], ['in time', next.address.words])
  socket.send(batch, 0, 2)
  expect([first, second]).toEqual([[], ['in time']])
  expect(socket.counters).toMatchObject({ sent: 1, dropped: 1 })
})

test('what a peer sends after it has gone, or what is too long, is dropped and counted', async () => {
  const { peers, socket, batch } = await world()
  const peer = peers.open(() => true)
  peer.arrived(Buffer.alloc(SLOT_BYTES))
  peer.arrived(Buffer.alloc(SLOT_BYTES + 1))
  peer.close()
  peer.arrived(Buffer.from('late'))
  expect(batch.count).toBe(1)
  expect(socket.counters.dropped).toBe(2)
})

test('an address that nobody was given, and a carrier that has no room, are counted', async () => {
  const { peers, socket } = await world()
  const full = peers.open(() => false)
  socket.send(outgoing(['?', parseAddress('[100::7]:1')!.words], ['!', full.address.words]), 0, 2)
  expect(socket.counters).toMatchObject({ sent: 0, dropped: 2 })
})

test('UDP takes nothing that claims to come from a carried peer, and sends nothing there', async () => {
  const udp = dgram.createSocket('udp4').bind(0, HOST)
  await once(udp, 'listening')
  opened.push(udp)
  const batch = new Batch()
  const family = new DgramSocket(udp, { batch, socket: 0, arrived: () => {} })
  udp.emit('message', Buffer.from('forged'), { address: '100::1:0:0', family: 'IPv6', port: 1, size: 6 })
  family.send(outgoing(['astray', parseAddress('[100::1:0:0]:1')!.words]), 0, 1)
  expect(batch.count).toBe(0)
  expect(family.counters).toMatchObject({ received: 1, sent: 0, dropped: 2, errors: 0 })
})
