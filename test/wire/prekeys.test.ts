import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as wire from '../../shared/wire/prekeys.ts'
import {
  ALICE,
  ALICE_HEX,
  bytes,
  codec,
  codecSuite,
  filled,
  hex,
  peerId,
  some,
  u32,
  u48,
} from './codec-suite.ts'

const [KEY, SIGNATURE] = [filled(32, 0xc0), filled(64, 0x51)]

codecSuite({
  prekey: codec<wire.Prekey>({
    encode: wire.encodePrekey,
    decode: wire.decodePrekey,
    value: { key: KEY, signedAt: 1_790_000_000_000, signature: SIGNATURE },
    line: `${'c0'.repeat(32)} 01a0c4506c00 ${'51'.repeat(64)}`,
    any: fc.record({ key: bytes(32), signedAt: u48, signature: bytes(64) }),
    least: 102,
  }),
  ASK_PREKEY: codec<wire.PrekeyQuestion>({
    encode: wire.encodePrekeyQuestion,
    decode: wire.decodePrekeyQuestion,
    value: { peer: ALICE, known: 7 },
    line: `${ALICE_HEX} 00000007`,
    any: fc.record({ peer: peerId, known: u32 }),
    least: 36,
  }),
  PREKEY: codec<wire.PrekeyAnswer>({
    encode: wire.encodePrekeyAnswer,
    decode: wire.decodePrekeyAnswer,
    value: { peer: ALICE, prekey: Uint8Array.of(0xaa, 0xbb) },
    line: `${ALICE_HEX} 0002 aabb`,
    any: fc.record({ peer: peerId, prekey: some(102) }),
    least: 34,
  }),
})

test('a prekey is signed with its context and time, and named by its first four bytes', () => {
  const context = hex(new TextEncoder().encode('straightway/prekey/1'))
  const part = wire.signedPart({ key: KEY, signedAt: 1_790_000_000_000 })
  expect(hex(part)).toBe(`${context}01a0c4506c00${'c0'.repeat(32)}`)
  expect(wire.prekeyNumber(KEY)).toBe(0xc0c0c0c0)
})
