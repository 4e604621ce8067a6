import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Address, parseAddress } from '../../shared/wire/address.ts'
import { KIND } from '../../shared/wire/numbers.ts'
import * as wire from '../../shared/wire/session.ts'
import { codec, codecSuite, fromHex, hex, some, u32 } from './codec-suite.ts'

codecSuite({
  ACK: codec<wire.Ack>({
    encode: wire.encodeAck,
    decode: wire.decodeAck,
    value: { next: 5, held: 0x80000001 },
    line: '00000005 80000001',
    any: fc.record({ next: u32, held: u32 }),
    least: 8,
  }),
  'PING, PONG and PACE': codec<number>({
    encode: wire.encodeU32,
    decode: wire.decodeU32,
    value: 25_000,
    line: '000061a8',
    any: u32,
    least: 4,
  }),
  GOODBYE: codec<wire.GoodbyeReason>({
    encode: wire.encodeGoodbye,
    decode: wire.decodeGoodbye,
    value: 'revoked',
    line: '03',
    any: fc.constantFrom('leaving', 'replaced', 'draining', 'revoked', 'ticketEnded'),
    least: 1,
  }),
  TIME: codec<number>({
    encode: wire.encodeTime,
    decode: wire.decodeTime,
    value: 1_800_000_000_000,
    line: '01a3185c5000',
    any: fc.nat(2 ** 48 - 1),
    least: 6,
  }),
  SEEN: codec<Address>({
    encode: ({ words }) => wire.encodeSeen(words, 0),
    decode: wire.decodeSeen,
    value: parseAddress('203.0.113.7:40000')!,
    line: '00000000000000000000ffffcb007107 9c40',
    any: fc
      .array(u32, { minLength: 4, maxLength: 4 })
      .chain((ip) => fc.nat(0xffff).map((port) => ({ words: Uint32Array.of(...ip, port) }))),
    least: 18,
  }),
  'RENEW and RENEWED': codec<wire.KeyRenewal>({
    encode: wire.encodeRenewal,
    decode: wire.decodeRenewal,
    value: { number: 2, key: new Uint8Array(32).fill(7) },
    line: `00000002 ${'07'.repeat(32)}`,
    any: fc.record({ number: u32, key: fc.uint8Array({ minLength: 32, maxLength: 32 }) }),
    least: 36,
  }),
  TICKET: codec<Uint8Array>({
    encode: wire.encodeTicket,
    decode: wire.decodeTicket,
    value: fromHex('aabbcc'),
    line: '0003 aabbcc',
    any: some(900),
    least: 5,
  }),
})

test.each([
  [KIND.KEEP_ALIVE, '5106fedcba98'],
  [KIND.KEEP_ALIVE_ACK, '5107fedcba98'],
  [KIND.GONE, '5108fedcba98'],
])('a short datagram of kind %i is its line of hex, wherever it is written', (kind, line) => {
  const slab = new Uint8Array(10)
  wire.writeShort(slab, 3, kind, 0xfedcba98)
  expect(hex(slab)).toBe(`000000${line}00`)
  expect(wire.indexAt(slab, 3)).toBe(0xfedcba98)
})
