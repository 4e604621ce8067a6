import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FrameReader, MAX_BODY_BYTES } from '../../shared/wire/frames.ts'
import { filled, fromHex, hex, some, u8 } from './codec-suite.ts'

function read(bytes: Uint8Array, start?: number, end?: number): [number, string][] {
  const frames: [number, string][] = []
  const reader = new FrameReader(bytes, start, end)
  while (reader.next()) frames.push([reader.type, hex(reader.body)])
  return frames
}

test('frames follow one another until the bytes end', () => {
  expect(read(fromHex('02 0004 00000007  04 0001 02  80 0000'))).toEqual([
    [2, '00000007'],
    [4, '02'],
    [0x80, ''],
  ])
})

test('frames are read from a part of a slab', () => {
  expect(read(fromHex('ffff 04 0001 02 ffff'), 2, 6)).toEqual([[4, '02']])
})

test('a frame that is cut short ends the reading', () => {
  expect(read(fromHex('04 0001 02  80 0005 01'))).toEqual([[4, '02']])
  expect(read(fromHex('04 00'))).toEqual([])
})

test('random bytes never throw and are never read twice', () => {
  fc.assert(
    fc.property(some(300), (bytes) => {
      const length = read(bytes).reduce((sum, [, body]) => sum + 3 + body.length / 2, 0)
      expect(length).toBeLessThanOrEqual(bytes.length)
    }),
  )
})

test('what was written is what is read', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(u8, some(40))), (frames) => {
      const parts = frames.map(([type, body]) => Buffer.concat([Buffer.of(type, 0, body.length), body]))
      expect(read(Buffer.concat(parts))).toEqual(frames.map(([type, body]) => [type, hex(body)]))
    }),
  )
})

test('the longest body fits a datagram of 1,200 bytes with its ref', () => {
  expect(14 + 3 + 4 + filled(MAX_BODY_BYTES, 0).length + 16).toBe(1200)
})
