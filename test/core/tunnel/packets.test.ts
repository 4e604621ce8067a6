import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Packets } from '../../../shared/core/tunnel/packets.ts'
import { parseAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import { MAX_PAYLOAD_BYTES } from '../../../shared/wire/tunnel.ts'

const [ONE, TWO] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
const to = { words: parseAddress('192.0.2.1:9')!.words, socket: 0 }
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

function ends(clearA = false, clearB = clearA) {
  const a = new Packets({ send: ONE, receive: TWO }, clearA)
  const b = new Packets({ send: TWO, receive: ONE }, clearB)
  return { a, b, line: new Batch() }
}

const body = (packets: Packets, { bytes }: Batch) =>
  bytes.slice(packets.bodyAt, packets.bodyAt + packets.bodyLength)

test('a datagram is 21 bytes longer on the way, and unreadable', () => {
  const { a, b, line } = ends()
  a.sendData(line, to, Buffer.from('hello, hello'), 0)
  expect(line.length[0]).toBe(12 + 21)
  expect(text(line.at(0))).not.toContain('hello')
  expect(b.open(line, 0)).toBe(true)
  expect(text(body(b, line))).toBe('hello, hello')
})

test('where both asked for it a datagram is readable on the way, and still cannot be changed', () => {
  const { a, b, line } = ends(true)
  a.sendData(line, to, Buffer.from('hello'), 0)
  a.sendData(line, to, Buffer.from('hello'), 0)
  expect([line.length[0], text(line.at(0)).includes('hello')]).toEqual([26, true])
  expect(b.open(line, 0)).toBe(true)
  expect(text(body(b, line))).toBe('hello')
  line.bytes[line.start(1) + 6]! ^= 1
  expect(b.open(line, 1)).toBe(false)
})

test('where they did not a readable one is refused', () => {
  const { a, b, line } = ends(true, false)
  a.sendData(line, to, Buffer.from('hello'), 0)
  expect(b.open(line, 0)).toBe(false)
})

test('a packet opens once, in any order, and the newest is known', () => {
  const { a, b, line } = ends()
  for (const word of ['one', 'two', 'three']) a.sendData(line, to, Buffer.from(word), 0)
  const again = new Batch()
  again.push(line.at(0), to.words)
  const newest = [0, 2, 1].map((i) => (b.open(line, i) ? b.newest : undefined))
  expect(newest).toEqual([true, true, false])
  expect(b.open(again, 0)).toBe(false)
})

test('any datagram up to the limit crosses unchanged, control and data among each other', () => {
  const { a, b, line } = ends()
  const payloads = fc.array(fc.uint8Array({ maxLength: MAX_PAYLOAD_BYTES }), { maxLength: 5 })
  fc.assert(
    fc.property(payloads, (list) => {
      line.clear()
      for (const payload of list) {
        a.sendData(line, to, payload, 0)
        a.sendControl(line, to, { kind: 'close', reason: 0 }, 0)
      }
      for (const [i, payload] of list.entries()) {
        expect(b.open(line, 2 * i)).toBe(true)
        expect(body(b, line)).toEqual(payload)
        expect(b.open(line, 2 * i + 1)).toBe(true)
        expect(b.controls(line)).toEqual([{ kind: 'close', reason: 0 }])
      }
    }),
  )
})

test('damaged and random packets never open', () => {
  const { a, b, line } = ends()
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(), (bytes, at) => {
      line.clear()
      line.push(bytes, to.words)
      a.sendData(line, to, bytes, 0)
      line.bytes[line.start(1) + 1 + (at % (line.length[1]! - 1))]! ^= 1 + (at % 255)
      expect([b.open(line, 0), b.open(line, 1)]).toEqual([false, false])
    }),
  )
})
