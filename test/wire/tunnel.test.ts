import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseAddress } from '../../shared/wire/address.ts'
import { Writer } from '../../shared/wire/cursor.ts'
import {
  type Control,
  isTunnelPacket,
  MIN_PROBE_BODY,
  probeBodyBytes,
  probePacketBytes,
  readControls,
  SMALL_PROBE_BYTES,
  writeControl,
} from '../../shared/wire/tunnel.ts'

const u32 = fc.nat(0xffffffff)
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const address = fc
  .tuple(u32, u32, u32, u32, fc.nat(0xffff))
  .map(([a, b, c, d, port]) => ({ words: Uint32Array.of(a, b, c, d, port) }))
const bodyBytes = fc.integer({ min: MIN_PROBE_BODY, max: 1176 })
const kind = <K extends Control['kind']>(it: K) => fc.constant(it)
const control: fc.Arbitrary<Control> = fc.oneof(
  fc.record({ kind: kind('probe'), id: u64, here: fc.boolean(), bodyBytes }),
  fc.record({ kind: kind('probeAck'), id: u64, observed: address, bodyBytes }),
  fc.record({
    kind: kind('probeBack'),
    answers: u64,
    observed: address,
    id: u64,
    here: fc.boolean(),
    bodyBytes: fc.integer({ min: 35, max: 1176 }),
  }),
  fc.record({ kind: kind('close'), reason: fc.nat(255) }),
  fc.record({
    kind: kind('streamOpen'),
    stream: u32,
    key: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    name: fc.string({ unit: 'grapheme', maxLength: 20 }),
  }),
  fc.record({ kind: kind('streamAccept'), stream: u32, accepter: u32 }),
  fc.record({ kind: kind('streamRefuse'), stream: u32 }),
  fc.record({ kind: kind('move'), address }),
  fc.record({
    kind: fc.constantFrom('rekey' as const, 'rekeyed' as const),
    number: u32,
    key: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  }),
  fc.record({
    kind: fc.constantFrom('rekey' as const, 'rekeyed' as const),
    number: u32,
    key: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    half: fc.record({
      part: fc.constantFrom(0 as const, 1 as const),
      bytes: fc.uint8Array({ maxLength: 592 }),
    }),
  }),
)

function encode(...controls: Control[]): Uint8Array {
  const writer = new Writer(new Uint8Array(20_000))
  for (const it of controls) writeControl(writer, it)
  return writer.done()
}

const observed = parseAddress('203.0.113.7:40000')!
const VECTORS: [string, Control, string][] = [
  [
    'a fresh key',
    { kind: 'rekey', number: 3, key: new Uint8Array(32).fill(7) },
    `18 0024 00000003 ${'07'.repeat(32)}`,
  ],
  [
    'half of an ML-KEM key',
    {
      kind: 'rekey',
      number: 1,
      key: new Uint8Array(32).fill(7),
      half: { part: 1, bytes: Uint8Array.of(1, 2, 3) },
    },
    `18 002a 00000001 ${'07'.repeat(32)} 01 0003 010203`,
  ],
  [
    'half of an ML-KEM ciphertext',
    {
      kind: 'rekeyed',
      number: 1,
      key: new Uint8Array(32).fill(7),
      half: { part: 0, bytes: Uint8Array.of(1, 2, 3) },
    },
    `19 002a 00000001 ${'07'.repeat(32)} 00 0003 010203`,
  ],
  [
    'the answer to a fresh key',
    { kind: 'rekeyed', number: 3, key: new Uint8Array(32).fill(7) },
    `19 0024 00000003 ${'07'.repeat(32)}`,
  ],
  [
    'probe',
    { kind: 'probe', id: 0x1122334455667788n, here: true, bodyBytes: 26 },
    `10 001a 1122334455667788 01 ${'00'.repeat(17)}`,
  ],
  [
    'a probe that answers one',
    { kind: 'probeBack', answers: 258n, observed, id: 3n, here: true, bodyBytes: 36 },
    `17 0024 0000000000000102 00000000000000000000ffffcb0071079c40 0000000000000003 01 00`,
  ],
  [
    'probe ack',
    { kind: 'probeAck', id: 258n, observed, bodyBytes: 28 },
    '11 001c 0000000000000102 00000000000000000000ffffcb0071079c40 0000',
  ],
  ['close', { kind: 'close', reason: 1 }, '12 0001 01'],
  [
    'stream open',
    { kind: 'streamOpen', stream: 5, key: new Uint8Array(32).fill(7), name: 'chat' },
    `13 0029 00000005 ${'07'.repeat(32)} 0463686174`,
  ],
  ['stream accept', { kind: 'streamAccept', stream: 5, accepter: 6 }, '14 0008 00000005 00000006'],
  ['stream refuse', { kind: 'streamRefuse', stream: 5 }, '15 0004 00000005'],
  ['stream refuse, too many', { kind: 'streamRefuse', stream: 5, reason: 'too-many' }, '15 0005 00000005 01'],
  ['move', { kind: 'move', address: observed }, '16 0012 00000000000000000000ffffcb0071079c40'],
]

test.each(VECTORS)('a %s is one line of hex', (_name, value, line) => {
  const bytes = Buffer.from(line.replaceAll(' ', ''), 'hex')
  expect(Buffer.from(encode(value)).toString('hex')).toBe(bytes.toString('hex'))
  expect(readControls(bytes)).toEqual([value])
})

test('frames written one after another are read in order', () => {
  fc.assert(
    fc.property(fc.array(control, { maxLength: 8 }), (controls) => {
      expect(readControls(encode(...controls))).toEqual(controls)
    }),
  )
})

test('a frame that is not known is skipped, and what is cut short is left out', () => {
  const move: Control = { kind: 'move', address: observed }
  expect(readControls(Buffer.concat([Buffer.from('7f0002aaaa', 'hex'), encode(move)]))).toEqual([move])
  expect(readControls(encode(move, VECTORS[3]![1]).subarray(0, -1))).toEqual([move])
})

test('a probe that is shorter than its answer would be is refused', () => {
  const bytes = encode({ kind: 'probe', id: 1n, here: false, bodyBytes: MIN_PROBE_BODY })
  bytes[2] = MIN_PROBE_BODY - 1
  expect(readControls(bytes.subarray(0, -1))).toEqual([])
})

test('a probe and its answer have the size that was asked for', () => {
  for (const size of [SMALL_PROBE_BYTES, 1200]) {
    const bytes = encode({ kind: 'probe', id: 1n, here: false, bodyBytes: probeBodyBytes(size) })
    const ack = encode({ kind: 'probeAck', id: 1n, observed, bodyBytes: probeBodyBytes(size) })
    expect([bytes.length + 21, ack.length + 21]).toEqual([size, size])
    expect(probePacketBytes(probeBodyBytes(size))).toBe(size)
  }
})

test('only three first bytes are a tunnel packet, each in two key phases', () => {
  const bytes = [...Array(256).keys()].filter(isTunnelPacket)
  expect(bytes).toEqual([0x60, 0x61, 0x62, 0x68, 0x69, 0x6a])
})

test('random bytes never throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void readControls(bytes)))
})
