import { createHash } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { toBase32 } from '../../shared/ids.ts'
import { SLOT_BYTES } from '../../shared/wire/batch.ts'
import { framed } from '../../shared/wire/datagram-stream.ts'
import { encodeRelay } from '../../shared/wire/relay.ts'
import { type Relay, type StartRelayOptions, startRelay } from '../../udp-edge/relay.ts'
import { FLEET_KEY, grants, overTls, overUdp, Peer, random, type Way } from './relay-leg-under-test.ts'

const HOST = '127.0.0.1'
const KEEP = encodeRelay({ op: 'keep' })
const UNBOUND = Buffer.from(encodeRelay({ op: 'unbound' }))
const open: { close(): unknown }[] = []

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

type Limits = Omit<NonNullable<StartRelayOptions['tls']>, 'port'>

async function start(limits: Limits = {}): Promise<Relay> {
  const relay = await startRelay({ host: HOST, port: 0, fleetKeys: [FLEET_KEY], tls: { port: 0, ...limits } })
  open.push(relay)
  return relay
}

async function opened<T extends Way>(way: Promise<T>): Promise<T> {
  open.push(await way)
  return way
}

/** Starts a relay and both legs of a tunnel, each over its own transport. */
async function tunnel<A extends Way>(
  wayOfA: (relay: Relay) => Promise<A>,
  wayOfB: (relay: Relay) => Promise<Way>,
) {
  const relay = await start()
  const [one, other] = grants()
  const way = await opened(wayOfA(relay))
  const a = new Peer(relay, way, one)
  const b = new Peer(relay, await opened(wayOfB(relay)), other)
  await Promise.all([a.bound, b.bound])
  return { relay, one, way, a, b }
}

/** Opens a TCP connection that has sent nothing yet. */
async function tcpTo(relay: Relay): Promise<net.Socket> {
  const socket = net.connect(relay.tls!.port, HOST).on('error', () => {})
  open.push({ close: () => socket.destroy() })
  await new Promise<void>((resolve) => socket.on('connect', resolve).on('close', () => resolve()))
  return socket
}

async function tlsTo(relay: Relay): Promise<tls.TLSSocket> {
  return (await opened(overTls(relay))).socket
}

/** Tells whether the relay still answers on this connection. */
async function isServed(way: Way): Promise<boolean> {
  const answer = new Promise<Buffer>((resolve) => way.onDatagram(resolve))
  way.send(KEEP)
  return (await answer).equals(UNBOUND)
}

async function ended(socket: net.Socket): Promise<void> {
  socket.resume()
  if (!socket.closed) await new Promise<void>((resolve) => socket.on('close', () => resolve()))
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

describe('legs over TLS', () => {
  test.each([
    ['TLS and UDP', overTls, overUdp],
    ['UDP and TLS', overUdp, overTls],
    ['TLS and TLS', overTls, overTls],
  ])('%s: what one sends is what the other hears, byte for byte', async (_, wayOfA, wayOfB) => {
    const { relay, a, b } = await tunnel<Way>(wayOfA, wayOfB)
    for (const size of [0, 1, 21, 1200, SLOT_BYTES]) {
      const bytes = Buffer.from(random.bytes(size))
      expect(await b.afterSending(a, bytes)).toEqual(bytes)
      expect(await a.afterSending(b, bytes)).toEqual(bytes)
    }
    expect(relay.counters()).toMatchObject({ packets: 10, strange: 0, socket: { faults: 0, dropped: 0 } })
  })

  test('the certificate is the one that the pin names', async () => {
    const relay = await start()
    const spki = (await tlsTo(relay)).getPeerX509Certificate()!.publicKey.export({
      type: 'spki',
      format: 'der',
    })
    expect(toBase32(createHash('sha256').update(spki).digest())).toBe(relay.tls!.pin)
  })

  test('a leg moves to another connection, and back to UDP, with the same grant', async () => {
    const relay = await start()
    const [one, other] = grants()
    const first = new Peer(relay, await opened(overTls(relay)), one)
    const b = new Peer(relay, await opened(overUdp(relay)), other)
    await Promise.all([first.bound, b.bound])
    const second = new Peer(relay, await opened(overTls(relay)), one)
    await second.bound
    expect(await second.afterSending(b, Buffer.from('to the second'))).toEqual(Buffer.from('to the second'))
    const third = new Peer(relay, await opened(overUdp(relay)), one)
    await third.bound
    expect(await third.afterSending(b, Buffer.from('to the third'))).toEqual(Buffer.from('to the third'))
    expect(first.heard.map(String)).not.toContain('to the second')
    expect(relay.legs).toBe(2)
    expect(relay.counters().moved).toBe(2)
  })

  test('a connection cut in the middle of a datagram takes nothing with it but that', async () => {
    const { relay, one, way, b } = await tunnel(overTls, overUdp)
    way.socket.write(framed(new Uint8Array(800)).subarray(0, 300))
    way.socket.end()
    await ended(way.socket)
    await until(() => relay.counters().tls!.connections === 0)
    b.send(Buffer.from('too late'))
    const again = new Peer(relay, await opened(overTls(relay)), one)
    await again.bound
    expect(await again.afterSending(b, Buffer.from('on'))).toEqual(Buffer.from('on'))
    expect(b.heard.some(({ length }) => length >= 300)).toBe(false)
  })

  test('datagrams cut anywhere, and many in one record, are the same datagrams', async () => {
    const { way, b } = await tunnel(overTls, overUdp)
    const sent = Array.from({ length: 50 }, (_, i) => Buffer.from(random.bytes(1 + i * 20)))
    const stream = Buffer.concat(sent.map(framed))
    for (let at = 0; at < stream.length; at += 777) way.socket.write(stream.subarray(at, at + 777))
    await until(() => b.heard.length >= 50 + 1 && b.heard.at(-1)!.equals(sent.at(-1)!))
    expect(b.heard.slice(-50)).toEqual(sent)
  })
})

describe('what comes to the TLS port', () => {
  test('is sent away when it is not TLS, or TLS from before 1.3', async () => {
    const relay = await start()
    const garbage = await tcpTo(relay)
    garbage.write('GET / HTTP/1.1\r\n\r\n')
    await ended(garbage)
    const old = tls.connect({
      host: HOST,
      port: relay.tls!.port,
      rejectUnauthorized: false,
      maxVersion: 'TLSv1.2',
    })
    await once(old, 'error')
    expect(relay.counters().tls).toMatchObject({ strange: 2, opened: 0, connections: 0 })
    expect(await isServed(await opened(overTls(relay)))).toBe(true)
  })

  test('is sent away when it does not finish its handshake', async () => {
    const relay = await start({ handshakeMs: 50 })
    await ended(await tcpTo(relay))
    expect(relay.counters().tls!.strange).toBe(1)
  })

  test('is sent away when it says nothing, at first or later, bytes without a datagram included', async () => {
    const relay = await start({ firstMs: 50, idleMs: 50 })
    const silent = await tlsTo(relay)
    const dribbling = await tlsTo(relay)
    const dribble = setInterval(() => dribbling.write(Buffer.of(0x01)), 10)
    const brief = await opened(overTls(relay))
    brief.send(KEEP)
    await Promise.all([silent, dribbling, brief.socket].map(ended))
    clearInterval(dribble)
    await until(() => relay.counters().tls!.connections === 0)
    expect(relay.counters().tls!.idle).toBe(3)
  })

  test('is sent away when a length is longer than any datagram', async () => {
    const relay = await start()
    const socket = await tlsTo(relay)
    socket.write(Buffer.concat([framed(KEEP), Buffer.of(0xff, 0xff)]))
    await ended(socket)
    await until(() => relay.counters().tls!.connections === 0)
    expect(relay.counters().tls!.malformed).toBe(1)
  })

  test('is sent away when one address has too many, until one of them leaves', async () => {
    const relay = await start({ connectionsOfOne: 3 })
    const kept = [await tlsTo(relay), await tlsTo(relay), await tlsTo(relay)]
    await ended(await tcpTo(relay))
    expect(relay.counters().tls!.refused).toEqual({ full: 0, sameAddress: 1 })
    kept[0]!.destroy()
    await until(() => relay.counters().tls!.connections === 2)
    expect(await isServed(await opened(overTls(relay)))).toBe(true)
  })

  test('is sent away when one address comes again and again', async () => {
    const relay = await start({ newPerSecondOfOne: 0.001, newAtOnceOfOne: 3 })
    for (let i = 0; i < 3; i++) (await tlsTo(relay)).destroy()
    await ended(await tcpTo(relay))
    expect(relay.counters().tls!.refused).toEqual({ full: 0, sameAddress: 1 })
  })

  test('in a flood is bounded, and those who are there are served', async () => {
    const relay = await start({ connections: 20 })
    const guest = await opened(overTls(relay))
    expect(await isServed(guest)).toBe(true)
    expect(relay.load).toBe(1 / 20)
    const flood = await Promise.all(Array.from({ length: 100 }, () => tcpTo(relay)))
    await until(() => relay.counters().tls!.refused.full === 81)
    expect(await isServed(guest)).toBe(true)
    expect(relay.load).toBe(1)
    for (const socket of flood) socket.destroy()
  })
})

test('a reader that is too slow loses datagrams, and the relay keeps no more for it than its bound', async () => {
  const relay = await start({ queuedBytes: 100_000 })
  const [one, other] = grants()
  const way = await opened(overTls(relay))
  const slow = new Peer(relay, way, one)
  const sender = new Peer(relay, await opened(overTls(relay)), other)
  await Promise.all([slow.bound, sender.bound])
  way.socket.pause()
  const packet = random.bytes(1200)
  const flood = setInterval(() => {
    for (let i = 0; i < 500; i++) sender.send(packet)
  }, 1)
  await until(() => relay.counters().tls!.dropped > 1000)
  clearInterval(flood)
  expect(relay.counters().socket.dropped).toBe(relay.counters().tls!.dropped)
  way.socket.resume()
  const last = Buffer.from('after the flood')
  const drained = until(() => slow.heard.some((bytes) => bytes.equals(last)))
  const again = setInterval(() => sender.send(last), 20)
  await drained
  clearInterval(again)
})

test('a relay whose TLS port is taken does not start, and gives its UDP port back', async () => {
  const relay = await start()
  const former = await startRelay({ host: HOST, port: 0, fleetKeys: [FLEET_KEY] })
  const port = Number(former.address.split(':')[1])
  await former.close()
  const options = { host: HOST, port, fleetKeys: [FLEET_KEY] }
  const second = startRelay({ ...options, tls: { port: relay.tls!.port } })
  await expect(second).rejects.toMatchObject({ code: 'unavailable' })
  open.push(await startRelay({ ...options, tls: { port: 0 } }))
})
