import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Readable, type Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { describe, expect, test } from 'vitest'
import { WINDOW_BYTES } from '../../../peer/stream/frames.ts'
import { StraightwayError } from '../../../shared/errors.ts'
import { type Crossing, crossing, type Way } from './crossing.ts'

const MEGABYTE = 1 << 20

function noise(bytes: number, chunk = 64 << 10): Buffer[] {
  const blocks: Buffer[] = []
  for (let left = bytes; left > 0; left -= chunk) blocks.push(randomBytes(Math.min(chunk, left)))
  return blocks
}

function sha256(bytes: Iterable<Buffer>): string {
  const hash = createHash('sha256')
  for (const part of bytes) hash.update(part)
  return hash.digest('hex')
}

/** All that comes. Node's own collectors would destroy the stream at its end, with what it still has to send. */
async function collect(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(stream, 'end')
  return Buffer.concat(chunks)
}

const send = (bytes: Buffer[], into: Writable): Promise<void> => pipeline(Readable.from(bytes), into)

function go(world: Crossing, way: Way): void {
  world.a.go(way)
  world.b.go(way)
}

/** Writes until the stream is full and stays so: nothing drains while a hundred turns of the event loop go by. */
async function fill(stream: Writable): Promise<number> {
  const block = Buffer.alloc(64 << 10)
  let written = 0
  for (;;) {
    written += block.length
    if (written > 64 * MEGABYTE) throw new Error('nothing holds the writer back')
    if (!stream.write(block) && !(await drains(stream))) return written
  }
}

async function drains(stream: Writable): Promise<boolean> {
  let drained = false
  const note = () => {
    drained = true
  }
  stream.once('drain', note)
  for (let i = 0; i < 100 && !drained; i++) await new Promise((next) => setTimeout(next, 1))
  stream.off('drain', note)
  return drained
}

describe('a stream of a tunnel', () => {
  test('carries bytes both ways at once, unchanged and in order', async () => {
    const { opener, accepter } = await (await crossing()).open('both')
    const [up, down] = [noise(5 * MEGABYTE), noise(3 * MEGABYTE)]
    const [atAccepter, atOpener] = await Promise.all([
      collect(accepter),
      collect(opener),
      send(up, opener),
      send(down, accepter),
    ])
    expect(sha256([atAccepter])).toBe(sha256(up))
    expect(sha256([atOpener])).toBe(sha256(down))
    expect([opener.name, accepter.name]).toEqual(['both', 'both'])
  })

  test('is one of many at once, each with its own content', async () => {
    const world = await crossing()
    const names = Array.from({ length: 50 }, (_, i) => `stream ${i}`)
    const opened = await Promise.all(names.map((name) => world.a.streams.open(name)))
    for (const stream of opened) stream.end(`this is ${stream.name}`)
    const heard = await Promise.all(world.b.offered.map(async (stream) => [stream.name, await text(stream)]))
    expect(heard.sort()).toEqual(names.map((name) => [name, `this is ${name}`]).sort())
  })

  test('lets the other side answer after the end of what it read', async () => {
    const { opener, accepter } = await (await crossing()).open()
    opener.end('question')
    expect(await text(accepter)).toBe('question')
    accepter.end('answer')
    expect(await text(opener)).toBe('answer')
  })

  test('leaves nothing behind when both sides have ended', async () => {
    const world = await crossing()
    const { opener, accepter } = await world.open()
    opener.resume().end('x')
    accepter.resume().end('y')
    await Promise.all([once(opener, 'close'), once(accepter, 'close')])
    expect([world.a.active, world.b.active]).toEqual([true, true])
    await Promise.all([world.a.streams.flushed(), world.b.streams.flushed()])
    expect([world.a.active, world.b.active]).toEqual([false, false])
    expect([opener.errored, accepter.errored]).toEqual([null, null])
  })

  test('holds the writer back while nobody reads, in both directions, and goes on when somebody does', async () => {
    const { opener, accepter } = await (await crossing()).open()
    for (const [writer, reader] of [
      [opener, accepter],
      [accepter, opener],
    ] as const) {
      const written = await fill(writer)
      expect(written).toBeGreaterThanOrEqual(WINDOW_BYTES)
      expect(written).toBeLessThan(WINDOW_BYTES + MEGABYTE)
      let read = 0
      reader.on('data', (chunk: Buffer) => {
        read += chunk.length
      })
      await expect.poll(() => read, { timeout: 20_000 }).toBe(written)
    }
  })

  test('is refused where the other side has no listener', async () => {
    const world = await crossing()
    world.b.listening = false
    await expect(world.a.streams.open('unwanted')).rejects.toMatchObject({ code: 'refused' })
  })

  test('shows nothing of its content to who carries it', async () => {
    const world = await crossing()
    const seen: Buffer[] = []
    world.meddle = (packet) => {
      seen.push(Buffer.from(packet))
      return packet
    }
    const { opener, accepter } = await world.open('hidden name')
    opener.end('a secret that is long enough to be found')
    expect(await text(accepter)).toContain('secret')
    expect(Buffer.concat(seen).includes('secret')).toBe(false)
    expect(Buffer.concat(seen).includes('hidden')).toBe(false)
  })
})

describe('a stream whose path changes', () => {
  test('keeps its carrier where nothing was on the way', async () => {
    const world = await crossing()
    const { opener, accepter } = await world.open()
    accepter.pipe(accepter)
    for (const way of ['straight', 'relayed', 'straight'] as const) {
      go(world, way)
      const relayed = world.relayed
      opener.write(way)
      expect((await once(opener, 'data'))[0].toString()).toBe(way)
      if (way === 'relayed') expect(world.relayed).toBeGreaterThan(relayed)
    }
    expect(world.a.opens + world.b.opens).toBe(1)
  })

  test('loses nothing between two living paths under load', async () => {
    const world = await crossing()
    const { opener, accepter } = await world.open()
    const sent = noise(60 * MEGABYTE)
    const arrived = collect(accepter)
    const sending = send(sent, opener)
    for (const way of ['straight', 'relayed', 'straight'] as const) {
      const before = opener.bytesSent
      await expect
        .poll(() => opener.bytesSent, { interval: 5, timeout: 20_000 })
        .toBeGreaterThan(before + 10 * MEGABYTE)
      go(world, way)
    }
    await sending
    expect(sha256([await arrived])).toBe(sha256(sent))
    expect(world.relayed).toBeGreaterThan(0)
  })

  test('goes one way there and another way back, from one socket to the other', async () => {
    const world = await crossing()
    const { opener, accepter } = await world.open()
    const sent = noise(20 * MEGABYTE)
    const arrived = collect(accepter)
    const sending = send(sent, opener)
    await expect.poll(() => world.relayed, { timeout: 20_000 }).toBeGreaterThan(100)
    world.a.go('straight')
    world.b.go('beside')
    await sending
    expect(sha256([await arrived])).toBe(sha256(sent))
  })

  test('goes on where it was when the path dies under load and another one comes', async () => {
    const world = await crossing()
    const { opener, accepter } = await world.open()
    const [up, down] = [noise(20 * MEGABYTE), noise(20 * MEGABYTE)]
    const arrived = [collect(accepter), collect(opener)] as const
    const sending = Promise.all([send(up, opener), send(down, accepter)])
    await expect.poll(() => world.relayed, { timeout: 20_000 }).toBeGreaterThan(1000)
    world.meddle = () => undefined
    go(world, 'straight')
    await sending
    expect(sha256([await arrived[0]])).toBe(sha256(up))
    expect(sha256([await arrived[1]])).toBe(sha256(down))
    expect(world.a.opens + world.b.opens).toBeGreaterThan(1)
  })

  test('goes on over the old path after it was moved to one that is dead', async () => {
    const world = await crossing()
    const { opener, accepter } = await world.open()
    const sent = noise(8 * MEGABYTE)
    const arrived = collect(accepter)
    const sending = send(sent, opener)
    await expect.poll(() => world.relayed, { timeout: 20_000 }).toBeGreaterThan(100)
    go(world, 'nowhere')
    go(world, 'relayed')
    await sending
    expect(sha256([await arrived])).toBe(sha256(sent))
  })

  test('brings its end over although the path died just then', async () => {
    const world = await crossing()
    const { opener, accepter } = await world.open()
    accepter.resume().end()
    await once(opener.resume(), 'end')
    const lost = new Promise((resolve) => {
      world.meddle = () => void resolve('a packet')
    })
    opener.end('last words')
    await lost
    const closed = once(accepter, 'close')
    go(world, 'straight')
    await closed
    expect(accepter.errored).toBeNull()
    expect(accepter.readableEnded).toBe(true)
    await Promise.all([world.a.streams.flushed(), world.b.streams.flushed()])
  })
})

describe('a stream that is broken off', () => {
  test('fails on the other side when it is destroyed', async () => {
    const { opener, accepter } = await (await crossing()).open()
    opener.write('half a sentence')
    await once(accepter, 'readable')
    opener.destroy()
    const [error] = await once(accepter, 'error')
    expect(error).toMatchObject({ code: 'closed' })
  })

  test('fails with what happened where a byte was changed on the way', async () => {
    const world = await crossing()
    const { opener, accepter } = await world.open()
    world.meddle = (packet) => {
      if (packet.length > 500) packet[400]! ^= 1
      return packet
    }
    opener.on('error', () => {}).write(Buffer.alloc(4096))
    const [error] = await once(accepter, 'error')
    expect(error).toMatchObject({ code: 'unauthenticated' })
  })

  test('fails when the tunnel closes before its end', async () => {
    const world = await crossing()
    const { opener } = await world.open()
    const failed = once(opener, 'error')
    const why = new StraightwayError('closed', 'The other side closed the tunnel.')
    world.a.streams.close(why)
    expect((await failed)[0]).toBe(why)
  })

  test('is destroyed without an error when its own side closes the tunnel', async () => {
    const world = await crossing()
    const { opener } = await world.open()
    const closed = once(opener, 'close')
    world.a.streams.close()
    await closed
    expect(opener.errored).toBeNull()
  })
})
