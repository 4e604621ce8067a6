import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { buffer } from 'node:stream/consumers'
import tls from 'node:tls'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { RelayTls, type RelayTlsOptions } from '../../../peer/net/relay-tls.ts'
import type { TlsEndpoint } from '../../../shared/directory.ts'
import { parseAddress } from '../../../shared/wire/address.ts'
import { encodeRelay } from '../../../shared/wire/relay.ts'
import { makeCertificate } from '../../../udp-edge/tls-certificate.ts'
import { type Edge, type End, startEdge, type Way } from '../socket/edge.ts'

const HOST = '127.0.0.1'
const KEEP = encodeRelay({ op: 'keep' })
const UNBOUND = Buffer.from(encodeRelay({ op: 'unbound' }))
const MEGABYTE = 1 << 20
const PATIENT = { interval: 5, timeout: 60_000 }

let edge: Edge
beforeEach(async () => {
  edge = await startEdge()
})
afterEach(() => edge.close())

interface Carried {
  readonly carrier: RelayTls
  readonly relay: Uint32Array
  readonly heard: Buffer[]
  /** Number of times it requested the list of relays. */
  asked: number
}

function carrierTo(endpoint: () => TlsEndpoint | undefined): Carried {
  const relay = parseAddress(edge.relay.address)!.words
  const heard: Buffer[] = []
  const options: RelayTlsOptions = {
    endpointAt: (words, at) => (words[at + 4] === relay[4] ? endpoint() : undefined),
    missed: () => carried.asked++,
    receive: (bytes, words) => {
      expect(words).toEqual(relay)
      heard.push(Buffer.from(bytes))
    },
  }
  const carried: Carried = { carrier: new RelayTls(options), relay, heard, asked: 0 }
  onTestFinished(() => carried.carrier.close())
  return carried
}

/** Sends KEEP until it is answered. */
async function answered({ carrier, relay, heard }: Carried): Promise<Buffer> {
  const before = heard.length
  const again = setInterval(() => carrier.send(relay, 0, KEEP), 20)
  await expect.poll(() => heard.length, PATIENT).toBeGreaterThan(before)
  clearInterval(again)
  return heard[before]!
}

/** Opens a TCP port that forwards everything to the relay's TLS port. `cut` breaks the connections. */
async function passage(): Promise<{ readonly port: number; cut(): void }> {
  const sockets = new Set<net.Socket>()
  const cut = () => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  const target = edge.relay.tls!.port
  const server = net.createServer((near) => {
    const far = net.connect(target, HOST)
    for (const socket of [near, far]) sockets.add(socket.on('error', () => {}))
    near.pipe(far).pipe(near)
  })
  server.listen(0, HOST)
  await once(server, 'listening')
  onTestFinished(() => {
    cut()
    server.close()
  })
  return { port: (server.address() as net.AddressInfo).port, cut }
}

describe('a carrier to relays', () => {
  test('opens a connection when there is something to send, one for each relay', async () => {
    const carried = carrierTo(() => edge.relay.tls)
    expect(edge.relay.counters().tls!.opened).toBe(0)
    expect(await answered(carried)).toEqual(UNBOUND)
    expect(await answered(carried)).toEqual(UNBOUND)
    expect(edge.relay.counters().tls!.opened).toBe(1)
    carried.carrier.close()
    await expect.poll(() => edge.relay.counters().tls!.connections, PATIENT).toBe(0)
  })

  test('connects to the address of the relay that this host can reach, and knows it by the one it was given', async () => {
    const told = parseAddress('[2a02:db8::9]:3482')!.words
    const heard: Uint32Array[] = []
    const carrier = new RelayTls({
      endpointAt: () => edge.relay.tls,
      hostOf: () => parseAddress(edge.relay.address)!,
      missed: () => {},
      receive: (_, words) => heard.push(words.slice()),
    })
    onTestFinished(() => carrier.close())
    carrier.send(told, 0, KEEP)
    await expect.poll(() => heard, PATIENT).toEqual([told])
  })

  test('takes nothing that is for anybody but a relay', () => {
    const { carrier, asked } = carrierTo(() => undefined)
    const stranger = parseAddress('203.0.113.1:9')!.words
    expect(carrier.send(stranger, 0, KEEP)).toBe(false)
    expect(carrier.destination(stranger)).toBeUndefined()
    expect(asked).toBe(0)
  })

  test('says nothing to a relay of another key, asks who there is, and takes what it is told', async () => {
    const { cert, key } = makeCertificate()
    let said = 0
    const impostor = tls.createServer({ cert, key }, (socket) => {
      socket.on('error', () => {}).on('data', () => said++)
    })
    impostor.listen(0, HOST)
    await once(impostor, 'listening')
    onTestFinished(() => void impostor.close())
    const { pin, port } = edge.relay.tls!
    let known = { port: (impostor.address() as net.AddressInfo).port, pin }
    const carried = carrierTo(() => known)
    carried.carrier.send(carried.relay, 0, KEEP)
    await expect.poll(() => carried.asked, PATIENT).toBe(1)
    known = { port, pin }
    expect(await answered(carried)).toEqual(UNBOUND)
    expect(said).toBe(0)
  })

  test('opens another connection after one broke, and goes on asking while there is none', async () => {
    const between = await passage()
    let port = between.port
    const carried = carrierTo(() => ({ port, pin: edge.relay.tls!.pin }))
    // An answer may still come from the connection that is about to break.
    const opened = async () => {
      expect(await answered(carried)).toEqual(UNBOUND)
      return edge.relay.counters().tls!.opened
    }
    expect(await opened()).toBe(1)
    between.cut()
    await expect.poll(opened, PATIENT).toBe(2)
    port = 9
    between.cut()
    const again = setInterval(() => carried.carrier.send(carried.relay, 0, KEEP), 20)
    await expect.poll(() => carried.asked, PATIENT).toBeGreaterThan(3)
    clearInterval(again)
    port = edge.relay.tls!.port
    await expect.poll(opened, PATIENT).toBe(3)
  })
})

const WAYS: [Way, Way][] = [
  ['tls', 'udp'],
  ['udp', 'tls'],
  ['tls', 'tls'],
]

/** Sends the data through a stream from a to b, and returns what arrived. */
async function streamed(a: End, b: End, sent: Buffer): Promise<Buffer> {
  const arrived = new Promise<Buffer>((resolve) => {
    b.socket.once('stream', (stream) => resolve(buffer(stream)))
  })
  const stream = await a.socket.createStream()
  stream.end(sent)
  return arrived
}

describe.each(WAYS)('a tunnel with one leg over %s and one over %s', (...ways) => {
  test('carries datagrams both ways, and says why it is not direct', async () => {
    const [a, b] = await edge.ends({}, ways)
    a.socket.send('there')
    expect((await once(b.socket, 'message'))[0].toString()).toBe('there')
    b.socket.send(Buffer.alloc(b.socket.maxDatagramBytes, 'x'))
    expect((await once(a.socket, 'message'))[0]).toHaveLength(b.socket.maxDatagramBytes)
    expect(a.socket.path).toBe('relayed')
    await expect.poll(() => [a.socket.whyNotDirect, b.socket.whyNotDirect], PATIENT).toContain('udp-blocked')
    const opened = ways.filter((way) => way === 'tls').length
    expect(edge.relay.counters().tls).toMatchObject({ opened, dropped: 0 })
  })

  test('carries a stream of 5 MB whole, and another back', async () => {
    const [a, b] = await edge.ends({}, ways)
    const sent = randomBytes(5 * MEGABYTE)
    expect(digest(await streamed(a, b, sent))).toBe(digest(sent))
    expect(digest(await streamed(b, a, sent))).toBe(digest(sent))
    expect(edge.relayed()).toBeGreaterThan((10 * MEGABYTE) / 1500)
  })
})

describe('a stream over TLS', () => {
  test('loses nothing when the connection is cut under it', async () => {
    const between = await passage()
    edge.tlsPort = between.port
    const [a, b] = await edge.ends({}, ['tls', 'tls'])
    const sent = randomBytes(8 * MEGABYTE)
    const before = edge.relayed()
    const arrived = streamed(a, b, sent)
    await expect.poll(() => edge.relayed() - before, PATIENT).toBeGreaterThan(2000)
    between.cut()
    expect(digest(await arrived)).toBe(digest(sent))
    expect(edge.relay.counters().tls!.opened).toBeGreaterThan(2)
  })

  test('goes on by UDP when that works again, and back by TLS when it does not', async () => {
    const [a, b] = await edge.ends({ paths: 'relay-only' }, ['tls', 'udp'])
    const sent = randomBytes(8 * MEGABYTE)
    const before = edge.relayed()
    const arrived = streamed(a, b, sent)
    const carried = (packets: number) =>
      expect.poll(() => edge.relayed() - before, PATIENT).toBeGreaterThan(packets)
    await carried(2000)
    a.host.setUdp(false)
    await expect.poll(() => edge.relay.counters().tls!.connections, PATIENT).toBe(0)
    await carried(5000)
    a.host.setUdp(true)
    expect(digest(await arrived)).toBe(digest(sent))
    await expect.poll(() => edge.relay.counters().tls!.opened, PATIENT).toBe(2)
  })
})

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
