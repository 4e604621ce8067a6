import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TunnelId } from '../../shared/ids.ts'
import { toBase32 } from '../../shared/ids.ts'
import { parseAddress } from '../../shared/wire/address.ts'
import * as wire from '../../shared/wire/offers.ts'
import {
  ALICE,
  ALICE_HEX,
  address,
  bytes,
  codec,
  codecSuite,
  filled,
  fromHex,
  peerId,
  some,
  tunnelId,
  u48,
} from './codec-suite.ts'

const TUNNEL = toBase32(filled(16, 0x77)) as TunnelId
const TUNNEL_HEX = '77'.repeat(16)
const DIRECTION: wire.Direction = {
  handshake: [parseAddress('203.0.113.7:40000')!],
  key: filled(32, 0x4e),
  grant: fromHex('aabbcc'),
}
const EXPECTED = parseAddress('198.51.100.9:40001')!
const EXPECTED_HEX = '00000000000000000000ffffc63364099c41'
const DIRECTION_HEX = `0038 01 00000000000000000000ffffcb0071079c40 ${'4e'.repeat(32)} 0003aabbcc`

const direction = fc.record({
  handshake: fc.array(address, { maxLength: 4 }),
  key: bytes(32),
  grant: some(130),
})
const paths = fc.constantFrom('auto', 'direct-only', 'relay-only')

codecSuite({
  'OFFER upward': codec<wire.Offer>({
    encode: wire.encodeOffer,
    decode: wire.decodeOffer,
    value: { tunnel: TUNNEL, peer: ALICE, noise: fromHex('ddee'), expected: EXPECTED },
    line: `${TUNNEL_HEX} ${ALICE_HEX} 0002ddee ${EXPECTED_HEX}`,
    any: fc.record({ tunnel: tunnelId, peer: peerId, noise: some(400), expected: address }),
    least: 70,
  }),
  'OFFER downward': codec<wire.Offer>({
    encode: wire.encodeOffer,
    decode: wire.decodeOffer,
    value: { tunnel: TUNNEL, peer: ALICE, noise: fromHex('ddee'), expected: EXPECTED, direction: DIRECTION },
    line: `${TUNNEL_HEX} ${ALICE_HEX} 0002ddee ${EXPECTED_HEX} ${DIRECTION_HEX}`,
    any: fc.record({ tunnel: tunnelId, peer: peerId, noise: some(400), expected: address, direction }),
    least: 70,
  }),
  ANSWER: codec<wire.Answer>({
    encode: wire.encodeAnswer,
    decode: wire.decodeAnswer,
    value: {
      tunnel: TUNNEL,
      peer: ALICE,
      outcome: 'ringing',
      noise: fromHex('ddee'),
      expected: EXPECTED,
      direction: DIRECTION,
    },
    line: `${TUNNEL_HEX} ${ALICE_HEX} 08 0002ddee ${EXPECTED_HEX} ${DIRECTION_HEX}`,
    any: fc.record({
      tunnel: tunnelId,
      peer: peerId,
      outcome: fc.constantFrom(
        'accepted',
        'refused',
        'rateLimited',
        'unknownPeer',
        'offline',
        'policy',
        'unavailable',
        'ringing',
      ),
      noise: some(400),
      expected: address,
      direction,
    }),
    least: 71,
  }),
  REJOIN: codec<wire.Rejoin>({
    encode: wire.encodeRejoin,
    decode: wire.decodeRejoin,
    value: { tunnel: TUNNEL, peer: ALICE, leg: 1, direction: DIRECTION },
    line: `${TUNNEL_HEX} ${ALICE_HEX} 01 ${DIRECTION_HEX}`,
    any: fc.record({ tunnel: tunnelId, peer: peerId, leg: fc.constantFrom(0, 1), direction }),
    least: 49,
  }),
  'Noise message 1': codec<wire.OfferPayload>({
    encode: wire.encodeOfferPayload,
    decode: wire.decodeOfferPayload,
    value: { clear: true, paths: 'relay-only', intent: 'play', sentAt: 1, forgiving: true, kem: true },
    line: '1d 04706c6179 000000000001',
    any: fc.record({
      clear: fc.boolean(),
      paths,
      intent: fc.string({ maxLength: 60 }),
      sentAt: u48,
      forgiving: fc.boolean(),
      kem: fc.boolean(),
    }),
    least: 12,
  }),
  'Noise message 2': codec<wire.AnswerPayload>({
    encode: wire.encodeAnswerPayload,
    decode: wire.decodeAnswerPayload,
    value: { clear: false, paths: 'direct-only', reason: 'busy', kem: false },
    line: '02 0462757379',
    any: fc.record({
      ...{ clear: fc.boolean(), paths, kem: fc.boolean() },
      reason: fc.string({ maxLength: 30 }),
    }),
    least: 6,
  }),
})

test('a direction that is cut short is none', () => {
  const whole = fromHex(`${TUNNEL_HEX} ${ALICE_HEX} 0002ddee ${EXPECTED_HEX} 0005 01 00000000`)
  const offer = { tunnel: TUNNEL, peer: ALICE, noise: fromHex('ddee'), expected: EXPECTED }
  expect(wire.decodeOffer(whole)).toEqual(offer)
})

test('the longest offer fits a frame', () => {
  const noise = filled(32 + 48 + 16 + 8 + 255, 1)
  const wide = { ...DIRECTION, handshake: Array(4).fill(DIRECTION.handshake[0]!), grant: filled(200, 1) }
  const longest = wire.encodeOffer({
    tunnel: TUNNEL,
    peer: ALICE,
    noise,
    expected: EXPECTED,
    direction: wide,
  })
  expect(longest.length).toBeLessThan(1163)
})

test('handshakes of different tunnels are bound to different words', () => {
  expect(Buffer.from(wire.tunnelPrologue(TUNNEL)).toString()).toBe(`straightway/tunnel/1${TUNNEL}`)
})
