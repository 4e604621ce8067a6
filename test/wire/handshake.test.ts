import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseAddress } from '../../shared/wire/address.ts'
import * as wire from '../../shared/wire/handshake.ts'
import { UNKNOWN_PROFILE } from '../../shared/wire/profile.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const u16 = fc.nat(0xffff)
const u32 = fc.nat(0xffffffff)
const u8 = fc.nat(0xff)
const address = fc
  .tuple(u32, u32, u32, u32, u16)
  .map(([a, b, c, d, port]) => ({ words: Uint32Array.of(a, b, c, d, port) }))
const volley = fc.record({
  first: u16,
  stride: u16,
  count: fc.integer({ min: 1, max: 0xffff }),
  leap: u8,
  seed: u32,
  skip: u16,
  draws: fc.integer({ min: 1, max: 0xffff }),
})
const hex = (value: Uint8Array) => Buffer.from(value).toString('hex')
const from = (line: string) => new Uint8Array(Buffer.from(line.replaceAll(' ', ''), 'hex'))
const filled = (length: number, value: number) => new Uint8Array(length).fill(value)
const peer = parseAddress('203.0.113.7:40000')!
const PEER = '00000000000000000000ffffcb0071079c40'

/** One message: how it is encoded, its line of hex, and its arbitrary values. */
interface Codec<T> {
  readonly encode: (value: T) => Uint8Array
  readonly decode: (bytes: Uint8Array) => T | undefined
  readonly value: T
  readonly line: string
  readonly any: fc.Arbitrary<T>
  /** Minimum length in bytes. */
  readonly least: number
}

const codec = <T>(it: Codec<T>): Codec<T> => it

const CODECS = {
  JOIN: codec<wire.Join>({
    encode: wire.encodeJoin,
    decode: wire.decodeJoin,
    value: { index: 7, grant: from('aabb'), nonce: filled(24, 1), sealed: from('ccdd') },
    line: `5110 00000007 0002aabb ${'01'.repeat(24)} ccdd`,
    any: fc.record({
      index: u32,
      grant: fc.uint8Array({ maxLength: 200 }),
      nonce: bytes(24),
      sealed: fc.uint8Array(),
    }),
    least: 32,
  }),
  'JOIN body': codec<wire.JoinBody>({
    encode: wire.encodeJoinBody,
    decode: wire.decodeJoinBody,
    value: { random: filled(16, 2), profile: UNKNOWN_PROFILE },
    line: `${'02'.repeat(16)} ${'00'.repeat(15)}`,
    any: bytes(16).map((random) => ({ random, profile: UNKNOWN_PROFILE })),
    least: 32,
  }),
  JOINED: codec<wire.Joined>({
    encode: wire.encodeJoined,
    decode: wire.decodeJoined,
    value: { index: 7, nodeIndex: 8, nonce: filled(24, 1), sealed: from('ccdd') },
    line: `5111 00000007 00000008 ${'01'.repeat(24)} ccdd`,
    any: fc.record({ index: u32, nodeIndex: u32, nonce: bytes(24), sealed: fc.uint8Array() }),
    least: 34,
  }),
  'JOINED body': codec<wire.JoinedBody>({
    encode: wire.encodeJoinedBody,
    decode: wire.decodeJoinedBody,
    value: { random: filled(16, 3), observed: peer, serverTime: 1_790_000_000_000 },
    line: `${'03'.repeat(16)} ${PEER} 01a0c4506c00`,
    any: fc.record({ random: bytes(16), observed: address, serverTime: fc.nat(2 ** 48 - 1) }),
    least: 40,
  }),
  RELAYED: codec<wire.Relayed>({
    encode: wire.encodeRelayed,
    decode: wire.decodeRelayed,
    value: { relay: peer, grant: from('aabbcc'), key: filled(32, 4) },
    line: `${PEER} 0003aabbcc ${'04'.repeat(32)}`,
    any: fc.record({ relay: address, grant: fc.uint8Array({ maxLength: 200 }), key: bytes(32) }),
    least: 52,
  }),
  STEP: codec<wire.Step>({
    encode: wire.encodeStep,
    decode: wire.decodeStep,
    value: {
      step: 258,
      kind: 'punch',
      role: 1,
      startInMs: 30,
      timeoutMs: 2000,
      ttl: 4,
      intervalMs: 100,
      rounds: 10,
      sockets: 1,
      targets: [peer],
      proven: 1,
      paceMs: 2,
      volley: { first: 1024, stride: 1, count: 64_512, leap: 0, seed: 7, skip: 0, draws: 2048 },
    },
    line: `0102 04 01 001e 07d0 04 0064 0a 0001 01 ${PEER} 01 02 0400 0001 fc00 00 00000007 0000 0800`,
    any: fc.record({
      step: u16,
      kind: fc.constantFrom('lan', 'ipv6', 'mapped', 'open', 'punch', 'predict', 'scatter'),
      role: u8,
      startInMs: u16,
      timeoutMs: u16,
      ttl: u8,
      intervalMs: u16,
      rounds: u8,
      sockets: u16,
      targets: fc.array(address, { maxLength: wire.MAX_TARGETS }),
      proven: u8,
      paceMs: u8,
      volley: fc.option(volley, { nil: undefined }),
    }),
    least: 32,
  }),
  RESULT: codec<wire.Result>({
    encode: wire.encodeResult,
    decode: wire.decodeResult,
    value: { step: 1, outcome: 'direct', reached: peer, elapsedMs: 150, packets: 9 },
    line: `0001 00 ${PEER} 0096 0009`,
    any: fc.record({
      step: u16,
      outcome: fc.constantFrom('direct', 'failed', 'impossible'),
      reached: address,
      elapsedMs: u16,
      packets: u16,
    }),
    least: 25,
  }),
  OUTCOME: codec<wire.Outcome>({
    encode: wire.encodeOutcome,
    decode: wire.decodeOutcome,
    value: { path: 'relayed', whyNotDirect: 'both-symmetric' },
    line: '0103',
    any: fc.record({
      path: fc.constantFrom('direct', 'relayed'),
      whyNotDirect: fc.constantFrom('not-yet', 'policy', 'symmetric', 'data-blocked'),
    }),
    least: 2,
  }),
}

describe.each(Object.entries(CODECS))('%s', (_name, { encode, decode, value, line, any, least }) => {
  test('is its line of hex', () => {
    expect(hex(encode(value as never))).toBe(line.replaceAll(' ', ''))
    expect(decode(from(line))).toEqual(value)
  })

  test('is read as it was written', () => {
    fc.assert(
      fc.property(any as fc.Arbitrary<unknown>, (it) => {
        expect(decode(encode(it as never))).toEqual(it)
      }),
    )
  })

  test('is refused when too short, and random bytes never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: least - 1 }), (it) => {
        expect(decode(it)).toBeUndefined()
      }),
    )
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (it) => void decode(it)))
  })
})

test('no more targets are read than one step may have', () => {
  const line = Buffer.concat([
    from(CODECS.STEP.line).subarray(0, 14),
    Buffer.from([255]),
    Buffer.alloc(255 * 18 + 16),
  ])
  expect(wire.decodeStep(line)!.targets).toHaveLength(wire.MAX_TARGETS)
})

test('a step of a kind that is not known is refused', () => {
  const line = from(CODECS.STEP.line)
  line[2] = 99
  expect(wire.decodeStep(line)).toBeUndefined()
})
