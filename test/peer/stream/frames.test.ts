import { expect, test } from 'vitest'
import {
  DATA_BYTES,
  FrameOpener,
  FrameSealer,
  frame,
  STREAM_FRAME,
  streamKeys,
} from '../../../peer/stream/frames.ts'
import { WIDEST_BYTES } from '../../../peer/stream/read-window.ts'
import { SentFrames } from '../../../peer/stream/sent-frames.ts'

const KEY = new Uint8Array(32).fill(7)
const BODIES = [0, 1, 3000, 4090, DATA_BYTES, 5, DATA_BYTES].map((length, i) => Buffer.alloc(length, i + 1))

function ends(): { sealer: FrameSealer; opener: FrameOpener; opened: Buffer[] } {
  const opened: Buffer[] = []
  const sealer = new FrameSealer(streamKeys(KEY, true).send)
  const opener = new FrameOpener(streamKeys(KEY, false).receive, (_kind, _position, body) => {
    opened.push(body)
  })
  return { sealer, opener, opened }
}

test.each([1, 2, 3, 1000, 16_384, 70_000])('frames open however they are cut: %i bytes a piece', (bytes) => {
  const { sealer, opener, opened } = ends()
  const sealed = sealer.seal(BODIES.map((body, i) => frame(STREAM_FRAME.DATA, i, body)))
  for (let at = 0; at < sealed.length; at += bytes)
    expect(opener.push(Buffer.from(sealed.subarray(at, at + bytes)))).toBe(true)
  expect(opened).toEqual(BODIES)
})

test('a frame that was changed does not open', () => {
  const { sealer, opener, opened } = ends()
  const sealed = sealer.seal([
    frame(STREAM_FRAME.DATA, 0, BODIES[4]!),
    frame(STREAM_FRAME.DATA, 1, BODIES[5]!),
  ])
  sealed[sealed.length - 1]! ^= 1
  expect(opener.push(sealed)).toBe(false)
  expect(opened).toEqual([BODIES[4]])
})

test('a small body that an application keeps does not keep the piece in which it arrived', () => {
  const { sealer, opener, opened } = ends()
  const sealed = sealer.seal([frame(STREAM_FRAME.DATA, 0, Buffer.from('small'))])
  const piece = Buffer.allocUnsafeSlow(65_536)
  piece.set(sealed)
  opener.push(piece.subarray(0, sealed.length))
  expect(opened[0]?.buffer).not.toBe(piece.buffer)
})

test('frames that wait for confirmation keep their bytes while buffers of confirmed ones are reused', () => {
  const sent = new SentFrames(1 << 20)
  const write = (byte: number) => sent.add(Buffer.alloc(DATA_BYTES, byte))
  for (let byte = 0; byte < 8; byte++) write(byte)
  sent.take(5 * DATA_BYTES, 0)
  for (let byte = 8; byte < 12; byte++) write(byte)
  const kept = [...sent].map((data) => data.subarray(7))
  expect(kept).toEqual([5, 6, 7, 8, 9, 10, 11].map((byte) => Buffer.alloc(DATA_BYTES, byte)))
})

test('a reader that grants more than the widest window gets the widest, so that it cannot make the writer keep gigabytes', () => {
  const sent = new SentFrames(100)
  sent.take(0, 0xffff_ffff)
  expect(sent.room).toBe(WIDEST_BYTES)
})

test('a wider window gives room, and a narrower one takes none', () => {
  const sent = new SentFrames(DATA_BYTES)
  sent.add(Buffer.alloc(DATA_BYTES))
  expect(sent.room).toBe(0)
  sent.take(0, 2 * DATA_BYTES)
  expect(sent.room).toBe(DATA_BYTES)
  sent.take(DATA_BYTES, DATA_BYTES)
  expect(sent.room).toBe(2 * DATA_BYTES)
})
