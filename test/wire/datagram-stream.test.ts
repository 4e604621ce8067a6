import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SLOT_BYTES } from '../../shared/wire/batch.ts'
import { DatagramReader, framed } from '../../shared/wire/datagram-stream.ts'

/** Returns what a reader extracts from these chunks, with `broken` at the end if it gave up. */
function readFrom(chunks: readonly Uint8Array[]): (string | 'broken')[] {
  const reader = new DatagramReader()
  const taken: string[] = []
  for (const chunk of chunks) {
    const isWhole = reader.push(chunk, (datagram) => taken.push(Buffer.from(datagram).toString('hex')))
    if (!isWhole) return [...taken, 'broken']
  }
  return taken
}

function cut(stream: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [0, ...at.map((place) => place % (stream.length + 1)), stream.length].sort((a, b) => a - b)
  return places.slice(1).map((end, i) => stream.subarray(places[i], end))
}

test('two bytes of length, then the datagram', () => {
  expect(Buffer.from(framed(Buffer.from('514053', 'hex'))).toString('hex')).toBe('0003514053')
  expect(Buffer.from(framed(new Uint8Array(0))).toString('hex')).toBe('0000')
})

test('datagrams come out whole however the stream is cut', () => {
  const datagrams = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 12 })
  fc.assert(
    fc.property(datagrams, fc.array(fc.nat(), { maxLength: 40 }), (sent, places) => {
      const stream = Buffer.concat(sent.map(framed))
      expect(readFrom(cut(stream, places))).toEqual(sent.map((one) => Buffer.from(one).toString('hex')))
    }),
  )
})

test('the longest datagram passes, byte by byte too, and one byte more breaks the stream', () => {
  const longest = framed(new Uint8Array(SLOT_BYTES).fill(7))
  const bytes = [...longest].map((byte) => Uint8Array.of(byte))
  expect(readFrom([longest])).toEqual(['07'.repeat(SLOT_BYTES)])
  expect(readFrom([...bytes, ...bytes])).toHaveLength(2)
  expect(readFrom([framed(new Uint8Array(SLOT_BYTES + 1))])).toEqual(['broken'])
})

test('a length that is too great is refused before anything of it has come', () => {
  expect(readFrom([Uint8Array.of(0, 1, 9, 0xff), Uint8Array.of(0xff)])).toEqual(['09', 'broken'])
})

test('random bytes never throw', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 5 }), (chunks) => {
      readFrom(chunks)
    }),
  )
})
