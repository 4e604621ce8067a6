import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Readable, type Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { WINDOW_BYTES } from '../../../peer/stream/frames.ts'
import { StraightwayError } from '../../../shared/errors.ts'
import { LIMITS } from '../../../shared/limits.ts'
import { type Crossing, crossing, type Way } from './crossing.ts'
import { forge, idOf, UDX } from './forge.ts'

const MEGABYTE = 1 << 20
/** Long time limit, so that no test fails because of a busy machine. */
const PATIENCE = { timeout: 100_000 }

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

/** Collects a stream. Node's own collectors would destroy the stream at its end, with the data that it still has to send. */
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

/** Writes until the stream is full and stays full: it does not drain during a hundred turns of the event loop. */
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
    const opened = await Promise.all(names.map((name) => world.a.streams.open({ name })))
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
      await expect.poll(() => read, PATIENCE).toBe(written)
    }
  })

  test('is refused where the other side has no listener', async () => {
    const world = await crossing()
    world.b.listening = false
    await expect(world.a.streams.open({ name: 'unwanted' })).rejects.toMatchObject({ code: 'refused' })
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
        .poll(() => opener.bytesSent, { ...PATIENCE, interval: 5 })
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
    await expect.poll(() => world.relayed, PATIENCE).toBeGreaterThan(100)
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
    await expect.poll(() => world.relayed, PATIENCE).toBeGreaterThan(1000)
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
    await expect.poll(() => world.relayed, PATIENCE).toBeGreaterThan(100)
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
  test('fails on the other side when it is destroyed with an error: half must not look whole', async () => {
    const { opener, accepter } = await (await crossing()).open()
    opener.on('error', () => {}).write('half a sentence')
    await once(accepter, 'readable')
    opener.destroy(new Error('the disk is gone'))
    const [error] = await once(accepter, 'error')
    expect(error).toMatchObject({ code: 'closed' })
  })

  test('fails on the other side when it is destroyed before all that was written had left', async () => {
    const { opener, accepter } = await (await crossing()).open()
    const failed = once(accepter, 'error')
    opener.write(Buffer.alloc(2 * WINDOW_BYTES))
    opener.destroy()
    accepter.resume()
    expect((await failed)[0]).toMatchObject({ code: 'closed' })
  })

  test('fails for its writer where the other side destroyed it without reading a byte', async () => {
    const world = await crossing()
    const { opener, accepter } = await world.open()
    const failed = once(opener, 'error')
    opener.write('to nobody')
    accepter.destroy()
    expect((await failed)[0]).toMatchObject({ code: 'closed' })
    await Promise.all([world.a.streams.flushed(), world.b.streams.flushed()])
    expect([world.a.active, world.b.active]).toEqual([false, false])
  })

  test('keeps no timer once it is over, so that a process may end', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const world = await crossing()
    const { opener, accepter } = await world.open()
    const ended = [once(opener, 'close'), once(accepter, 'close')]
    opener.resume().end('x')
    accepter.resume().end('y')
    await Promise.all(ended)
    await Promise.all([world.a.streams.flushed(), world.b.streams.flushed()])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('is given up a minute after it was destroyed, if the other side says nothing', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const world = await crossing()
    const { opener } = await world.open()
    world.meddle = () => undefined
    opener.destroy()
    vi.advanceTimersByTime(59_000)
    expect(world.a.active).toBe(true)
    vi.advanceTimersByTime(1_000)
    expect(world.a.active).toBe(false)
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

describe('opening a stream', () => {
  test('is stopped by its signal, and the other side is not left with half a stream', async () => {
    const world = await crossing()
    const stop = new AbortController()
    const failed = new Promise((resolve) => {
      world.b.heard = (stream) => stream.on('error', resolve)
    })
    const opening = world.a.streams.open({ name: 'late', signal: stop.signal })
    stop.abort(new Error('no longer wanted'))
    const why = { code: 'closed', cause: { message: 'no longer wanted' } }
    await expect(opening).rejects.toMatchObject(why)
    await expect(world.a.streams.open({ name: 'again', signal: stop.signal })).rejects.toMatchObject(why)
    expect(await failed).toMatchObject({ code: 'closed' })
    await Promise.all([world.a.streams.flushed(), world.b.streams.flushed()])
    expect([world.a.active, world.b.active]).toEqual([false, false])
  })

  test('beyond the limit fails with the limit as its reason, and works again when one has ended', async () => {
    const world = await crossing()
    const opened = await Promise.allSettled(
      Array.from({ length: 2000 }, () => world.a.streams.open({ name: '' })),
    )
    const failed = opened.filter(({ status }) => status === 'rejected')
    expect(failed).toHaveLength(2000 - LIMITS.streams)
    expect(failed[0]).toMatchObject({
      reason: { code: 'too-large', message: expect.stringContaining('1024') },
    })
    const first = opened.find((each) => each.status === 'fulfilled')!.value
    first.resume().end()
    world.b.offered[0]!.resume().end()
    await once(first, 'close')
    await world.a.streams.flushed()
    await expect(world.a.streams.open({ name: 'another' })).resolves.toMatchObject({ name: 'another' })
  })

  test('after the tunnel has closed fails immediately', async () => {
    const world = await crossing()
    world.a.streams.close()
    await expect(world.a.streams.open({ name: '' })).rejects.toMatchObject({ code: 'closed' })
  })
})

describe('a stranger who has seen a number', () => {
  test.each([
    ['DESTROY', UDX.DESTROY],
    ['DATA', UDX.DATA],
    ['END', UDX.END],
  ])('ends no stream with a forged %s', async (_, type) => {
    const world = await crossing()
    const { opener, accepter } = await world.open()
    const [up, down] = [noise(6 * MEGABYTE), noise(6 * MEGABYTE)]
    let seen: Buffer | undefined
    world.meddle = (packet) => {
      if (seen === undefined && world.relayed > 200 && packet.length > 500) {
        seen = Buffer.from(packet)
        for (const { port } of [world.a, world.b]) forge(seen, type, port)
      }
      return packet
    }
    const arrived = [collect(accepter), collect(opener)] as const
    await Promise.all([send(up, opener), send(down, accepter)])
    expect(sha256([await arrived[0]])).toBe(sha256(up))
    expect(sha256([await arrived[1]])).toBe(sha256(down))
    expect(seen).toBeDefined()
    expect(world.a.opens + world.b.opens).toBeGreaterThan(1)
  })

  test.each([
    ['a stream in full flow', 6 * MEGABYTE, 200],
    ['the last bytes of a stream, after which nothing follows', 30_000, 5],
  ])('loses nothing of %s by acknowledging what did not arrive', async (_, bytes, from) => {
    const world = await crossing()
    const { opener, accepter } = await world.open()
    const up = noise(bytes)
    let [large, lost, forged, ended] = [0, 0, 0, false]
    let there: number | undefined
    let answer: Buffer | undefined
    const attack = () => {
      if (answer === undefined || forged++ >= 3) return
      forge(answer, UDX.ACK, world.a.port)
      setTimeout(() => {
        ended = true
      }, 100)
    }
    world.meddle = (packet) => {
      const isLarge = packet.length > 500
      if (isLarge) there ??= idOf(packet)
      else if (idOf(packet) !== there) {
        answer = Buffer.from(packet)
        if (lost > 0) setTimeout(attack, 10)
      }
      if (!isLarge) return packet
      if (++large < from || ended) return packet
      if (lost++ === 0) setTimeout(attack, 30)
      return undefined
    }
    const arrived = collect(accepter)
    await send(up, opener)
    accepter.end()
    expect(sha256([await arrived])).toBe(sha256(up))
    expect(lost).toBeGreaterThan(0)
    expect(world.a.opens + world.b.opens).toBeGreaterThan(1)
    await Promise.all([world.a.streams.flushed(), world.b.streams.flushed()])
  })
})
