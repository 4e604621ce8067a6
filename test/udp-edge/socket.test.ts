/** The contract of every implementation of DatagramSocket: Node's dgram, and the addon if this machine can run it. */
import dgram from 'node:dgram'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { addressOf, formatAddress, isLoopback } from '../../shared/wire/address.ts'
import { Batch, SLOT_BYTES } from '../../shared/wire/batch.ts'
import { bindDgram } from '../../udp-edge/bind.ts'
import { udpAddon } from '../../udp-edge/native/addon.ts'
import { openNative } from '../../udp-edge/native-socket.ts'
import { bindWith } from '../../udp-edge/port-socket.ts'
import type { Bind, DatagramSocket } from '../../udp-edge/socket.ts'

const HOST = '127.0.0.1'
const opened: { close(): unknown }[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()))
})

interface Bound {
  readonly socket: DatagramSocket
  readonly batch: Batch
  /** Resolves when the batch holds this many datagrams. */
  holds(count: number): Promise<void>
}

async function bound(bind: Bind, host = HOST, capacity?: number): Promise<Bound> {
  const batch = new Batch(capacity)
  let check = () => {}
  const socket = await bind({ host, port: 0 }, { batch, socket: 7, arrived: () => check() })
  opened.push(socket)
  const holds = (count: number) =>
    new Promise<void>((resolve) => {
      check = () => batch.count >= count && resolve()
      check()
    })
  return { socket, batch, holds }
}

async function peer(type: 'udp4' | 'udp6' = 'udp4') {
  const socket = dgram.createSocket(type).bind(0, type === 'udp4' ? HOST : '::1')
  await once(socket, 'listening')
  socket.setRecvBufferSize(1 << 20)
  opened.push(socket)
  const got: string[] = []
  let check = () => {}
  socket.on('message', (bytes) => {
    got.push(bytes.toString('latin1'))
    check()
  })
  const hears = (count: number) =>
    new Promise<void>((resolve) => {
      check = () => got.length >= count && resolve()
      check()
    })
  return { socket, got, hears, port: socket.address().port }
}

const portOf = ({ socket }: Bound, family = 0) => socket.addresses[family]!.words[4]!
const to = (port: number, host = HOST) => addressOf(host, port)!.words

const implementations: readonly (readonly [string, Bind | undefined])[] = [
  ['dgram', bindDgram],
  ['the addon', udpAddon && bindWith(openNative(udpAddon))],
]

test('the addon runs on every platform it is shipped for', () => {
  const isShipped = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)
  expect(udpAddon !== undefined).toBe(isShipped)
})

describe.each(implementations.filter(([, bind]) => bind !== undefined))('%s', (_, implementation) => {
  const bind = implementation!

  test('hands over bytes, source and socket number, and clears what the slot held before', async () => {
    const here = await bound(bind)
    const there = await peer()
    here.batch.ttl.fill(9)
    here.batch.socket.fill(9)
    there.socket.send('abc', portOf(here), HOST)
    await here.holds(1)
    expect(Buffer.from(here.batch.at(0)).toString()).toBe('abc')
    expect([here.batch.socket[0], here.batch.ttl[0]]).toEqual([7, 0])
    expect(formatAddress(here.batch.addressOf(0).words)).toBe(`${HOST}:${there.port}`)
    expect(here.socket.counters).toMatchObject({ received: 1, dropped: 0, errors: 0, overrun: 0 })
  })

  test('appends to what the batch holds, however small the batch was', async () => {
    const here = await bound(bind, HOST, 1)
    const there = await peer()
    for (let i = 0; i < 100; i++) there.socket.send(`${i}`, portOf(here), HOST)
    await here.holds(100)
    const texts = Array.from({ length: 100 }, (_, i) => Buffer.from(here.batch.at(i)).toString())
    expect(texts).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`))
  })

  test('takes an empty datagram and one that fills a slot, and drops what is longer', async () => {
    const here = await bound(bind)
    const there = await peer()
    for (const bytes of [0, SLOT_BYTES, SLOT_BYTES + 1, 1]) {
      there.socket.send(Buffer.alloc(bytes, 'x'), portOf(here), HOST)
    }
    await here.holds(3)
    expect([...here.batch.length.subarray(0, 3)]).toEqual([0, SLOT_BYTES, 1])
    expect(here.batch.at(2)).toEqual(new Uint8Array([0x78]))
    expect(here.socket.counters).toMatchObject({ received: 4, dropped: 1 })
  })

  test('sends datagrams of any length mix to any number of places, each whole and in order', async () => {
    const here = await bound(bind)
    const peers = [await peer(), await peer()]
    const batch = new Batch()
    const expected: string[][] = [[], []]
    for (let i = 0; i < 400; i++) {
      const which = Math.floor(i / 37) % 2
      const text = `${i}:`.padEnd((i * 31) % 90 === 0 ? 0 : 5 + ((i >> 4) % 7) * 200, 'y')
      expected[which]!.push(text)
      batch.push(Buffer.from(text), to(peers[which]!.port))
    }
    for (let at = 0; at < batch.count; at += 50) {
      here.socket.send(batch, at, at + 50)
      await Promise.all(
        peers.map(({ hears }, i) =>
          hears(expected[i]!.filter((t) => Number.parseInt(t, 10) < at + 50).length),
        ),
      )
    }
    expect(peers.map(({ got }) => got)).toEqual(expected)
    expect(here.socket.counters).toMatchObject({ sent: 400, dropped: 0, errors: 0 })
  })

  test('a run of equal datagrams to one place arrives as that many, the last one shorter', async () => {
    const here = await bound(bind)
    const there = await peer()
    const batch = new Batch()
    for (let i = 0; i < 64; i++) batch.push(Buffer.alloc(i === 63 ? 7 : 1200, i), to(there.port))
    here.socket.send(batch, 0, 64)
    await there.hears(64)
    expect(there.got.map((text) => [text.length, text.charCodeAt(0)])).toEqual(
      Array.from({ length: 64 }, (_, i) => [i === 63 ? 7 : 1200, i]),
    )
  })

  test('what cannot be sent is counted, and what is behind it leaves', async () => {
    const here = await bound(bind)
    const there = await peer()
    const batch = new Batch()
    const good = to(there.port)
    const bad = [to(0), to(1, '100::1'), to(there.port, '::1')]
    for (const words of [good, ...bad, good]) batch.push(Buffer.from('z'), words)
    here.socket.send(batch, 0, batch.count)
    await there.hears(2)
    const { sent, dropped, errors } = here.socket.counters
    expect([sent, dropped + errors]).toEqual([2, 3])
  })

  test('a run to a place without a route costs no later datagram', async () => {
    const here = await bound(bind)
    const there = await peer()
    const batch = new Batch()
    for (let i = 0; i < 8; i++) batch.push(Buffer.from('nowhere'), to(9, '240.0.0.1'))
    for (let i = 0; i < 8; i++) batch.push(Buffer.from('here'), to(there.port))
    here.socket.send(batch, 0, 16)
    await there.hears(8)
    expect(there.got).toEqual(Array.from({ length: 8 }, () => 'here'))
  })

  test('a place where nobody listens does not harm the socket', async () => {
    const here = await bound(bind)
    const gone = await peer()
    const there = await peer()
    gone.socket.close()
    opened.splice(opened.indexOf(gone.socket), 1)
    const batch = new Batch()
    for (let i = 0; i < 20; i++) batch.push(Buffer.from('x'), to(gone.port))
    here.socket.send(batch, 0, 20)
    batch.clear()
    batch.push(Buffer.from('y'), to(there.port))
    here.socket.send(batch, 0, 1)
    await there.hears(1)
    there.socket.send('back', portOf(here), HOST)
    await here.holds(1)
  })

  test('one port serves both families, with IPv4 as IPv4', async () => {
    const here = await bound(bind, '::')
    expect(here.socket.addresses.map(({ words }) => words[4])).toEqual([portOf(here), portOf(here)])
    const [four, six] = [await peer('udp4'), await peer('udp6')]
    four.socket.send('4', portOf(here), HOST)
    six.socket.send('6', portOf(here), '::1')
    await here.holds(2)
    expect([0, 1].map((i) => isLoopback(here.batch.addressOf(i).words))).toEqual([true, true])
    const batch = new Batch()
    for (let i = 0; i < 8; i++) {
      batch.push(Buffer.from('to 4'), to(four.port), 0, 0, 1 + i)
      batch.push(Buffer.from('to 6'), to(six.port, '::1'), 0, 0, 1 + i)
    }
    here.socket.send(batch, 0, 16)
    await Promise.all([four.hears(8), six.hears(8)])
    expect(here.socket.counters).toMatchObject({ received: 2, sent: 16, dropped: 0, errors: 0 })
  })

  test('a port in use is refused as unavailable, and a closed one is free again', async () => {
    const first = await bound(bind)
    const again = () =>
      bind({ host: HOST, port: portOf(first) }, { batch: new Batch(), socket: 0, arrived() {} })
    await expect(again()).rejects.toMatchObject({
      code: 'unavailable',
      cause: expect.objectContaining({ code: 'EADDRINUSE' }),
    })
    await first.socket.close()
    await (await again()).close()
  })

  test('what the process was too slow to read is told', async () => {
    const here = await bound(bind)
    const there = await peer()
    const filler = Buffer.alloc(1400)
    // This process sends without reading, so the buffer of 4 MiB overflows.
    for (let i = 0; i < 20_000; i++) there.socket.send(filler, portOf(here), HOST)
    await here.holds(1)
    if (process.platform === 'linux') expect(here.socket.counters.overrun).toBeGreaterThan(0)
  })
})
