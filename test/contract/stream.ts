/**
 * The behaviour that a stream between two peers shares with a TCP connection, as one suite for anything that makes a pair of
 * them. The tests do not mention which of the two they run on. Intended differences are tested in
 * test/peer/stream/streams.test.ts.
 */
import { once } from 'node:events'
import http from 'node:http'
import { type Duplex, Readable, Transform } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { finished, pipeline } from 'node:stream/promises'
import { describe, expect, test } from 'vitest'

/** The common interface of `net.Socket` and `PeerStream`. */
export interface StreamUnderTest extends Duplex {
  readonly bytesRead: number
  readonly bytesWritten: number
  readonly readyState: string
  readonly timeout?: number | undefined
  setTimeout(ms: number, callback?: () => void): this
  destroySoon(): void
  resetAndDestroy(): this
}

export interface PairOptions {
  /** Applies to both sides. Default false. */
  readonly allowHalfOpen?: boolean
}

/** Makes both ends of a new connection. */
export type MakePair = (options?: PairOptions) => Promise<[StreamUnderTest, StreamUnderTest]>

/** Records the events at one end until it closes, in order. */
function told(stream: Duplex): Promise<string[]> {
  const events: string[] = []
  for (const name of ['end', 'finish'] as const) stream.on(name, () => events.push(name))
  stream.on('error', () => events.push('error'))
  return new Promise((resolve) => {
    stream.on('close', (hadError: boolean) => resolve([...events, `close ${hadError}`]))
  })
}

async function errorOf(stream: Duplex): Promise<NodeJS.ErrnoException> {
  return (await once(stream, 'error'))[0]
}

async function fill(stream: Duplex): Promise<number> {
  const block = Buffer.alloc(256 << 10, 'x')
  for (let written = block.length; ; written += block.length) {
    if (!stream.write(block) && !(await drainsSoon(stream))) return written
    if (written > 256 << 20) throw new Error('nothing holds the writer back')
  }
}

async function drainsSoon(stream: Duplex): Promise<boolean> {
  const signal = AbortSignal.timeout(500)
  return once(stream, 'drain', { signal }).then(
    () => true,
    () => false,
  )
}

export function streamContract(name: string, makePair: MakePair): void {
  describe(`${name}: its ends`, () => {
    test('a side that ends is heard to end, and answers are still read', async () => {
      const [a, b] = await makePair({ allowHalfOpen: true })
      a.end('question')
      const asked: Buffer[] = []
      b.on('data', (chunk: Buffer) => asked.push(chunk))
      await once(b, 'end')
      expect(Buffer.concat(asked).toString()).toBe('question')
      b.end('answer')
      expect(await text(a)).toBe('answer')
    })

    test('without allowHalfOpen the other side ends by itself, and both close without an error', async () => {
      const [a, b] = await makePair()
      const ends = [told(a.resume()), told(b.resume())]
      a.end('x')
      expect(await ends[0]).toEqual(['finish', 'end', 'close false'])
      expect(await ends[1]).toEqual(['end', 'finish', 'close false'])
    })

    test('with allowHalfOpen it stays writable until it ends too', async () => {
      const [a, b] = await makePair({ allowHalfOpen: true })
      a.resume().end()
      await once(b.resume(), 'end')
      expect([b.writable, b.destroyed, b.readyState]).toEqual([true, false, 'writeOnly'])
      const closed = [told(a), told(b)]
      b.end()
      expect((await Promise.all(closed)).map((events) => events.at(-1))).toEqual([
        'close false',
        'close false',
      ])
    })

    test('a side that reads by for await closes the other cleanly when that had ended', async () => {
      const [a, b] = await makePair()
      const closed = told(a.resume())
      a.end('one two')
      let read = ''
      for await (const chunk of b) read += chunk
      expect(read).toBe('one two')
      expect(await closed).toEqual(['finish', 'end', 'close false'])
    })

    test('for await that is left early destroys the stream, and the writer learns it', async () => {
      const [a, b] = await makePair({ allowHalfOpen: true })
      b.on('error', () => {})
      a.write('first')
      for await (const chunk of b) {
        expect(String(chunk)).toBe('first')
        break
      }
      expect(b.destroyed).toBe(true)
      const failed = errorOf(a)
      const writing = setInterval(() => a.write('more'), 5)
      expect((await failed).code).toEqual(expect.any(String))
      clearInterval(writing)
    })

    test('finish comes when everything has been handed over, close after end and finish', async () => {
      const [a, b] = await makePair()
      const closed = told(a.resume())
      let received = 0
      b.on('data', (chunk: Buffer) => {
        received += chunk.length
      })
      a.end(Buffer.alloc(3_000_000))
      await closed
      expect(received).toBe(3_000_000)
    })
  })

  describe(`${name}: destroy`, () => {
    test('of an idle stream is an end for the other side', async () => {
      const [a, b] = await makePair()
      const there = told(b.resume())
      a.destroy()
      expect(await there).toEqual(['end', 'finish', 'close false'])
    })

    test('comes after what was written has arrived', async () => {
      const [a, b] = await makePair()
      const read = text(b)
      await new Promise<void>((resolve) => a.write('all of it', () => resolve()))
      a.destroy()
      expect(await read).toBe('all of it')
    })

    test('after end and finish loses nothing', async () => {
      const [a, b] = await makePair()
      const read = buffer(b)
      a.end(Buffer.alloc(100_000, 'y'))
      await once(a, 'finish')
      a.destroy()
      expect((await read).length).toBe(100_000)
    })

    test('closes here, with and without an error, once', async () => {
      const [a] = await makePair()
      const quiet = told(a)
      a.destroy()
      a.destroy(new Error('too late'))
      expect(await quiet).toEqual(['close false'])
      const [c, d] = await makePair()
      d.on('error', () => {})
      const loud = told(c)
      c.destroy(new Error('why'))
      expect(await loud).toEqual(['error', 'close true'])
      expect(c.errored?.message).toBe('why')
    })

    test('in the listener that was given the stream fails a writer that waits', async () => {
      const [a, b] = await makePair()
      b.destroy()
      const failed = errorOf(a)
      const written = fill(a)
      written.catch(() => {})
      expect((await failed).code).toEqual(expect.any(String))
      expect(a.destroyed).toBe(true)
    })

    test('with bytes that were not read is an error of their writer', async () => {
      const [a, b] = await makePair()
      await fill(a)
      const failed = errorOf(a)
      b.destroy()
      expect((await failed).code).toEqual(expect.any(String))
    })

    test('a write after the other side is gone fails the stream', async () => {
      const [a, b] = await makePair({ allowHalfOpen: true })
      b.destroy()
      await once(a.resume(), 'end')
      const failed = errorOf(a)
      const writing = setInterval(() => a.write('to nobody'), 5)
      expect((await failed).code).toEqual(expect.any(String))
      clearInterval(writing)
      expect(a.destroyed).toBe(true)
    })

    test('resetAndDestroy is an error of the other side and none here', async () => {
      const [a, b] = await makePair()
      const [here, there] = [told(a), told(b.resume())]
      a.resetAndDestroy()
      expect(await here).toEqual(['close false'])
      expect(await there).toEqual(['error', 'close true'])
    })

    test('destroySoon brings over what was written, and then closes', async () => {
      const [a, b] = await makePair()
      const read = buffer(b)
      const closed = told(a)
      a.write(Buffer.alloc(500_000))
      a.destroySoon()
      expect((await read).length).toBe(500_000)
      expect(await closed).toContain('close false')
    })
  })

  describe(`${name}: errors`, () => {
    test('a write after end fails with the code of Node, and closes with an error', async () => {
      const [a] = await makePair()
      const closed = told(a)
      a.end()
      const failed = new Promise<NodeJS.ErrnoException | null | undefined>((resolve) =>
        a.write('x', (error) => resolve(error as NodeJS.ErrnoException)),
      )
      expect((await failed)?.code).toBe('ERR_STREAM_WRITE_AFTER_END')
      expect((await closed).at(-1)).toBe('close true')
    })

    test('a write after destroy tells its callback and is no event', async () => {
      const [a] = await makePair()
      const events = told(a)
      a.destroy()
      const failed = await new Promise<NodeJS.ErrnoException>((resolve) =>
        a.write('x', (error) => resolve(error as NodeJS.ErrnoException)),
      )
      expect(failed.code).toBe('ERR_STREAM_DESTROYED')
      expect(await events).toEqual(['close false'])
    })

    test('a chunk that is neither text nor bytes throws', async () => {
      const [a] = await makePair()
      expect(() => a.write({} as unknown as string)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
      )
    })
  })

  describe(`${name}: pace`, () => {
    test('a writer is held back while nobody reads, and goes on when somebody does', async () => {
      const [a, b] = await makePair()
      const written = await fill(a)
      let read = 0
      b.on('data', (chunk: Buffer) => {
        read += chunk.length
      })
      await once(a, 'drain')
      await expect.poll(() => read, { timeout: 20_000 }).toBe(written)
      expect([a.bytesWritten, b.bytesRead]).toEqual([written, written])
    })

    test('pause and resume lose nothing and change no order', async () => {
      const [a, b] = await makePair()
      const chunks: Buffer[] = []
      b.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        b.pause()
        setImmediate(() => b.resume())
      })
      const sent = Array.from({ length: 200 }, (_, i) => Buffer.alloc(5_000, i))
      await pipeline(Readable.from(sent), a)
      await finished(b, { writable: false })
      expect(Buffer.concat(chunks).equals(Buffer.concat(sent))).toBe(true)
    })

    test('text goes in any encoding and comes out in the one that was set', async () => {
      const [a, b] = await makePair()
      b.setEncoding('utf8')
      a.write('6e61c3af', 'hex')
      a.end('ve ☕')
      let read = ''
      for await (const chunk of b) read += chunk
      expect(read).toBe('naïve ☕')
    })

    test('corked writes come out whole and in order', async () => {
      const [a, b] = await makePair()
      a.cork()
      for (let i = 0; i < 100; i++) a.write(`${i},`)
      a.uncork()
      a.end()
      expect(await text(b)).toBe(Array.from({ length: 100 }, (_, i) => `${i},`).join(''))
    })
  })

  describe(`${name}: with the tools of Node`, () => {
    test('pipeline through both ends and a transform', async () => {
      const [a, b] = await makePair({ allowHalfOpen: true })
      const upper = new Transform({
        transform: (chunk: Buffer, _, done) => done(null, chunk.toString().toUpperCase()),
      })
      const echoing = pipeline(b, upper, b)
      a.end('quiet words')
      expect(await text(a)).toBe('QUIET WORDS')
      await echoing
    })

    test('pipeline whose source fails destroys the stream, and the other side does not wait', async () => {
      const [a, b] = await makePair()
      const closed = told(b.resume())
      const source = Readable.from(
        (async function* () {
          yield 'half'
          throw new Error('the disk is gone')
        })(),
      )
      await expect(pipeline(source, a)).rejects.toThrow('the disk is gone')
      expect(a.destroyed).toBe(true)
      expect((await closed).at(-1)).toMatch(/^close/)
    })

    test('pipeline is stopped by its signal', async () => {
      const [a, b] = await makePair()
      b.on('error', () => {}).resume()
      const stop = new AbortController()
      const endless = new Readable({ read() {} })
      const piped = pipeline(endless, a, { signal: stop.signal })
      stop.abort()
      await expect(piped).rejects.toMatchObject({ code: 'ABORT_ERR' })
      expect(a.destroyed).toBe(true)
    })

    test('pipe ends the other side when its source ends', async () => {
      const [a, b] = await makePair()
      Readable.from(['a', 'b', 'c']).pipe(a)
      expect(await text(b)).toBe('abc')
    })

    test('finished says when all is over, and what went wrong', async () => {
      const [a, b] = await makePair()
      const over = Promise.all([finished(a), finished(b)])
      a.resume().end('x')
      b.resume().end('y')
      await over
      const [c, other] = await makePair()
      other.on('error', () => {})
      const failed = finished(c)
      c.destroy(new Error('why'))
      await expect(failed).rejects.toThrow('why')
      const [d, e] = await makePair()
      const early = finished(e)
      d.on('error', () => {})
      e.destroy()
      await expect(early).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
    })

    test('async iteration sees chunks in order, and throws if the other side resets', async () => {
      const [a, b] = await makePair()
      const reading = (async () => {
        for await (const _ of b) a.resetAndDestroy()
      })()
      a.write('x')
      await expect(reading).rejects.toMatchObject({ code: expect.any(String) })
    })

    test('an HTTP server and client talk over it', async () => {
      const [a, b] = await makePair({ allowHalfOpen: true })
      const server = http.createServer((request, response) => {
        request.pipe(response.setHeader('x-path', request.url!))
      })
      server.emit('connection', b)
      const request = http.request({ method: 'POST', path: '/echo', createConnection: () => a as never })
      request.end('ping')
      const [response] = (await once(request, 'response')) as [http.IncomingMessage]
      expect(await text(response)).toBe('ping')
      expect(response.headers['x-path']).toBe('/echo')
      server.close()
    })
  })

  describe(`${name}: setTimeout`, () => {
    test('tells of a time without traffic, and does nothing else', async () => {
      const [a] = await makePair()
      let told = 0
      a.setTimeout(50, () => told++)
      expect(a.timeout).toBe(50)
      await once(a, 'timeout')
      expect([told, a.destroyed]).toEqual([1, false])
    })

    test('is put off by traffic in either direction, and switched off by 0', async () => {
      const [a, b] = await makePair()
      b.resume()
      a.resume()
      let early = false
      a.setTimeout(2_000, () => {
        early = true
      })
      for (let i = 0; i < 10; i++) {
        b.write('x')
        await once(a, 'data')
        a.write('y')
        await once(b, 'data')
      }
      expect(early).toBe(false)
      a.setTimeout(0)
      expect(a.timeout).toBe(0)
    })
  })
}
