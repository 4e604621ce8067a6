import { createHash, randomBytes } from 'node:crypto'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { PeerSocket } from '../../../peer/peer-socket.ts'
import type { SendCallback } from '../../../peer/send-arguments.ts'
import { type Edge, startEdge } from './edge.ts'

let edge: Edge
beforeAll(async () => {
  edge = await startEdge()
})
afterAll(() => edge.close())

const WORDS = Buffer.from('one two three')

/** Every way to call `send` of an unconnected dgram socket, with port and address if it needs them. */
type Send = (socket: PeerSocket | dgram.Socket, port: number, done: SendCallback) => void
const CALLS: readonly [name: string, call: Send, sent: string][] = [
  ['a buffer', (socket, port, done) => socket.send(WORDS, port, '127.0.0.1', done), 'one two three'],
  ['text', (socket, port, done) => socket.send('naïve', port, '127.0.0.1', done), 'naïve'],
  [
    'a typed array',
    (socket, port, done) => socket.send(new Uint8Array(WORDS), port, '127.0.0.1', done),
    'one two three',
  ],
  [
    'parts',
    (socket, port, done) => socket.send(['one ', Buffer.from('two')], port, '127.0.0.1', done),
    'one two',
  ],
  ['a piece', (socket, port, done) => socket.send(WORDS, 4, 3, port, '127.0.0.1', done), 'two'],
  ['a piece without an address', (socket, port, done) => socket.send(WORDS, 4, 3, port, done), 'two'],
  ['no address', (socket, port, done) => socket.send(WORDS, port, done), 'one two three'],
  ['nothing', (socket, port, done) => socket.send('', port, '127.0.0.1', done), ''],
]

/** The same for a connected socket. */
const CONNECTED: readonly [name: string, call: Send, sent: string][] = [
  ['a buffer, connected', (socket, _, done) => socket.send(WORDS, done), 'one two three'],
  ['a piece, connected', (socket, _, done) => socket.send(WORDS, 4, 3, done), 'two'],
]

async function dgramPair(connected: boolean): Promise<[dgram.Socket, dgram.Socket, number]> {
  const [from, to] = [dgram.createSocket('udp4'), dgram.createSocket('udp4')]
  to.bind(0, '127.0.0.1')
  await once(to, 'listening')
  const { port } = to.address()
  if (connected) {
    from.connect(port, '127.0.0.1')
    await once(from, 'connect')
  }
  onTestFinished(() => {
    from.close()
    to.close()
  })
  return [from, to, port]
}

async function outcome(
  from: PeerSocket | dgram.Socket,
  to: PeerSocket | dgram.Socket,
  port: number,
  call: Send,
) {
  const heard = once(to, 'message') as Promise<[Buffer, { size: number; family: string }]>
  const said = await new Promise((resolve) => call(from, port, (...results) => resolve(results)))
  const [message, { size, family }] = await heard
  return { said, heard: message.toString(), isBuffer: Buffer.isBuffer(message), size, family }
}

describe('send', () => {
  test.each([...CALLS, ...CONNECTED])('does with %s what dgram does', async (name, call, sent) => {
    const [from, to, port] = await dgramPair(name.includes('connected'))
    const [a, b] = await edge.pair()
    const ours = await outcome(a, b, 1, call)
    expect(ours).toEqual(await outcome(from, to, port, call))
    expect(ours.heard).toBe(sent)
  })

  test('refuses what is too long, and goes on', async () => {
    const [a, b] = await edge.pair()
    const tooLong = Buffer.alloc(a.maxDatagramBytes + 1)
    const failed = await new Promise((resolve) => a.send(tooLong, resolve))
    expect(failed).toMatchObject({ code: 'too-large' })
    a.send(tooLong)
    expect((await once(a, 'error'))[0]).toMatchObject({ code: 'too-large' })
    a.send(tooLong.subarray(1))
    expect((await once(b, 'message'))[0]).toHaveLength(a.maxDatagramBytes)
  })

  test('throws where offset and length are not within the datagram, and after the end', async () => {
    const [a] = await edge.pair()
    expect(() => a.send(WORDS, 10, 10)).toThrow(/not within 13 bytes/)
    await a[Symbol.asyncDispose]()
    expect(() => a.send(WORDS)).toThrow(/closed/)
  })

  test('leaves the buffer to its owner as soon as it returns', async () => {
    const [a, b] = await edge.pair({ paths: 'relay-only' })
    const reused = Buffer.from('first')
    a.send(reused)
    reused.write('later')
    expect((await once(b, 'message'))[0].toString()).toBe('first')
  })
})

describe('a socket', () => {
  test('says where it is bound, where its datagrams go, and what it costs', async () => {
    const [a, b] = await edge.pair()
    expect(a.address()).toEqual({ address: '0.0.0.0', family: 'IPv4', port: expect.any(Number) })
    expect(a.remoteAddress()).toMatchObject({ family: 'IPv4', port: expect.any(Number) })
    expect([a.overheadBytesPerPacket, a.maxDatagramBytes]).toEqual([21, 1179])
    expect(a.ref().unref()).toBe(a)
    expect(a.remotePeer).not.toBe(b.remotePeer)
  })

  test.each(['auto', 'relay-only'] as const)('becomes hybrid, and tells so (%s)', async (paths) => {
    const [a, b] = await edge.pair({ paths })
    a.send('before')
    expect((await once(b, 'message'))[0].toString()).toBe('before')
    for (const socket of [a, b])
      if (!socket.security.hybrid) await once(socket, 'security', { signal: AbortSignal.timeout(60_000) })
    for (const { security } of [a, b])
      expect(security).toEqual({ handshake: 'noise-ik', hybrid: true, renewals: 1 })
    b.send('after')
    expect((await once(a, 'message'))[0].toString()).toBe('after')
  })

  test('begins over the relay and becomes direct, and tells so', async () => {
    const [a, b] = await edge.pair()
    if (a.path !== 'direct') await once(a, 'path', { signal: AbortSignal.timeout(10_000) })
    await expect.poll(() => [a.path, b.path], { timeout: 10_000 }).toEqual(['direct', 'direct'])
    expect(a.whyNotDirect).toBeUndefined()
    expect(a.times.firstByteMs).toBeLessThan(1000)
    expect(a.times.directMs).toBeLessThan(5000)
    a.send('over the direct path')
    const [, from] = await once(b, 'message')
    expect(from.port).toBe(a.address().port)
  })

  test('says of each datagram where it came from, whichever path is in use meanwhile', async () => {
    const [a, b] = await edge.pair()
    const heard: [sent: string, cameFrom: string][] = []
    const { port } = a.address()
    b.on('message', (message, from) => heard.push([`${message}`, from.port === port ? 'direct' : 'relayed']))
    const count = (path: string) => heard.filter(([sent]) => sent === path).length
    while (count('direct') < 50) {
      a.send(a.path)
      await new Promise(setImmediate)
    }
    for (const [sent, cameFrom] of heard) expect(cameFrom).toBe(sent)
  })

  test('stays on the relay where it is told to, and says why', async () => {
    const [a, b] = await edge.pair({ paths: 'relay-only' })
    const before = edge.relayed()
    a.send('over the relay')
    await once(b, 'message')
    expect(edge.relayed()).toBeGreaterThan(before)
    expect([a.path, a.whyNotDirect]).toEqual(['relayed', 'policy'])
  })

  test('hands on what came before anybody could listen', async () => {
    const [a, b] = await edge.pair()
    a.send('early')
    expect((await once(b, 'message'))[0].toString()).toBe('early')
  })

  test('is closed on both sides by one of them', async () => {
    const [a, b] = await edge.pair()
    const [ends] = await Promise.all([
      Promise.all([once(a, 'close'), once(b, 'close')]),
      new Promise<void>((resolve) => a.close(resolve)),
    ])
    expect(ends).toEqual([['closed'], ['closedByOther']])
    await new Promise<void>((resolve) => a.close(resolve))
  })

  test('authenticates without encrypting where both sides asked for it', async () => {
    const [a, b] = await edge.pair({ clear: true, paths: 'relay-only' })
    a.send('in the clear')
    expect((await once(b, 'message'))[0].toString()).toBe('in the clear')
  })
})

describe('streams of a socket', () => {
  test('come with their name and carry both ways', async () => {
    const [a, b] = await edge.pair()
    b.on('stream', (stream, { name }) => stream.end(`this is ${name}`))
    const stream = await a.createStream({ name: 'greeting' })
    stream.end()
    expect(await text(stream)).toBe('this is greeting')
  })

  test('are refused where nobody listens for them, and a name can be too long', async () => {
    const [a] = await edge.pair()
    await expect(a.createStream()).rejects.toMatchObject({ code: 'refused' })
    await expect(a.createStream({ name: 'n'.repeat(256) })).rejects.toMatchObject({ code: 'bad-request' })
  })

  test('lose nothing while the path changes from the relay to a direct one', async () => {
    const [a, b] = await edge.pair()
    const began = a.path
    const sent = Array.from({ length: 300 }, () => randomBytes(64 << 10))
    const arrived = new Promise<Buffer>((resolve) => b.on('stream', (stream) => resolve(buffer(stream))))
    const paths: string[] = []
    a.on('path', (path) => paths.push(path))
    await pipeline(Readable.from(sent), await a.createStream())
    expect(digest(await arrived)).toBe(digest(Buffer.concat(sent)))
    await expect.poll(() => a.path, { timeout: 10_000 }).toBe('direct')
    expect([began, ...paths]).toContain('direct')
  })

  test('bring their last bytes over before the socket closes', async () => {
    const [a, b] = await edge.pair({ paths: 'relay-only' })
    const arrived = new Promise<Buffer>((resolve) =>
      b.on('stream', (stream) => {
        resolve(buffer(stream))
        stream.end()
      }),
    )
    const stream = await a.createStream()
    const sent = randomBytes(500_000)
    stream.end(sent)
    await text(stream)
    a.close()
    expect(digest(await arrived)).toBe(digest(sent))
  })

  test('bring over what was written, although only this side has ended them', async () => {
    const [a, b] = await edge.pair()
    const arrived = new Promise<Buffer>((resolve) => b.on('stream', (stream) => resolve(buffer(stream))))
    const stream = await a.createStream()
    const sent = randomBytes(500_000)
    stream.end(sent)
    const closed = once(b, 'close')
    await new Promise<void>((resolve) => a.close(resolve))
    await expect(arrived.then(digest)).resolves.toBe(digest(sent))
    expect(await closed).toEqual(['closedByOther'])
  })

  test('fail where the other side closes the socket before their end', async () => {
    const [a, b] = await edge.pair()
    b.on('stream', () => b.close())
    const failed = a.createStream().then(async (stream) => (await once(stream, 'error'))[0])
    await expect(failed.catch((error) => error)).resolves.toMatchObject({ code: 'closed' })
  })
})

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
