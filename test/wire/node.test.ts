import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type NetworkId, type NodeId, type TunnelId, toBase32, type UserId } from '../../shared/ids.ts'
import { LIMITS } from '../../shared/limits.ts'
import { parseAddress } from '../../shared/wire/address.ts'
import { Reader, Writer } from '../../shared/wire/cursor.ts'
import { MAX_SEALED_BODY_BYTES } from '../../shared/wire/messages.ts'
import * as wire from '../../shared/wire/node.ts'
import {
  ALICE,
  ALICE_HEX,
  address,
  BOB,
  BOB_HEX,
  codec,
  codecSuite,
  filled,
  fromHex,
  peerId,
  some,
  tunnelId,
  u32,
  u48,
} from './codec-suite.ts'

const NODE = 'node_abcdefgh' as NodeId
const NODE_HEX = `0d${Buffer.from(NODE).toString('hex')}`
const TUNNEL = toBase32(filled(16, 0x77)) as TunnelId
const between = { to: peerId, from: peerId }
const EXPECTED = parseAddress('198.51.100.9:40001')!
const EXPECTED_HEX = '00000000000000000000ffffc63364099c41'
const anyNode = fc.constant(NODE)
const LINE = `${ALICE_HEX} ${BOB_HEX}`

const NUMBERED = { epoch: 1, sequence: 2, previous: 1, previousIsStored: true, sentAt: 3 }

const FORWARD_LINE = `${LINE} 000000000001 00000002 00000001 01 000000000003 0002aabb`
const USER = 'u_annaaaaaaaaaaaaa' as UserId
const NETWORK = 'n_homeaaaaaaaaaaaa' as NetworkId

codecSuite({
  'NODE header': codec<wire.NodeHeader>({
    encode: (header) =>
      wire.writeHeader(new Writer(new Uint8Array(wire.headerBytes(header.node))), header).done(),
    decode: (bytes) => wire.readHeader(new Reader(bytes)),
    value: { node: NODE, sentAt: 1, counter: 2 ** 40 },
    line: `${NODE_HEX} 000000000001 0000010000000000`,
    any: fc.record({ node: anyNode, sentAt: u48, counter: fc.maxSafeNat() }),
    least: 28,
  }),
  FORWARD_MESSAGE: codec<wire.ForwardedMessage>({
    encode: wire.encodeForwardedMessage,
    decode: wire.decodeForwardedMessage,
    value: { ...NUMBERED, to: ALICE, from: BOB, body: fromHex('aabb') },
    line: FORWARD_LINE,
    any: fc.record({
      ...{ ...between, epoch: u48, sequence: u32, previous: u32 },
      ...{ previousIsStored: fc.boolean(), sentAt: u48, body: some(1024) },
    }),
    least: 89,
  }),
  FORWARD_RECEIPT: codec<wire.ForwardedReceipt>({
    encode: wire.encodeForwardedReceipt,
    decode: wire.decodeForwardedReceipt,
    value: { to: ALICE, from: BOB, epoch: 1, sequence: 2, outcome: 'notHere' },
    line: `${LINE} 000000000001 00000002 ff`,
    any: fc.record({ ...between, epoch: u48, sequence: u32, outcome: fc.constantFrom('delivered', 'taken') }),
    least: 75,
  }),
  FORWARD_OFFER: codec<wire.ForwardedOffer>({
    encode: wire.encodeForwardedOffer,
    decode: wire.decodeForwardedOffer,
    value: {
      to: ALICE,
      from: BOB,
      tunnel: TUNNEL,
      noise: fromHex('ddee'),
      handshake: NODE,
      expected: EXPECTED,
    },
    line: `${LINE} ${'77'.repeat(16)} 0002ddee ${NODE_HEX} ${EXPECTED_HEX}`,
    any: fc.record({ ...between, tunnel: tunnelId, noise: some(400), handshake: anyNode, expected: address }),
    least: 116,
  }),
  FORWARD_ANSWER: codec<wire.ForwardedAnswer>({
    encode: wire.encodeForwardedAnswer,
    decode: wire.decodeForwardedAnswer,
    value: {
      to: ALICE,
      from: BOB,
      tunnel: TUNNEL,
      outcome: 'refused',
      noise: fromHex('ddee'),
      handshake: NODE,
      expected: EXPECTED,
    },
    line: `${LINE} ${'77'.repeat(16)} 01 0002ddee ${NODE_HEX} ${EXPECTED_HEX}`,
    any: fc.record({
      ...between,
      tunnel: tunnelId,
      outcome: fc.constantFrom('accepted', 'unavailable'),
      noise: some(400),
      handshake: anyNode,
      expected: address,
    }),
    least: 117,
  }),
  FORWARD_REJOIN: codec<wire.ForwardedRejoin>({
    encode: wire.encodeForwardedRejoin,
    decode: wire.decodeForwardedRejoin,
    value: { to: ALICE, from: BOB, tunnel: TUNNEL, leg: 1, handshake: NODE },
    line: `${LINE} ${'77'.repeat(16)} 01 ${NODE_HEX}`,
    any: fc.record({ ...between, tunnel: tunnelId, leg: fc.constantFrom(0, 1), handshake: anyNode }),
    least: 95,
  }),
  MOVED: codec<wire.Moved>({
    encode: wire.encodeMoved,
    decode: wire.decodeMoved,
    value: { peer: ALICE, since: 1 },
    line: `${ALICE_HEX} 000000000001`,
    any: fc.record({ peer: peerId, since: u48 }),
    least: 38,
  }),
})

test('the longest message fits a NODE datagram of 1,280 bytes', () => {
  const body = filled(MAX_SEALED_BODY_BYTES, 1)
  const forwarded = { ...NUMBERED, to: ALICE, from: BOB, body, sender: { user: USER, network: NETWORK } }
  const length =
    wire.NODE_OVERHEAD_BYTES + wire.headerBytes(NODE) + 3 + wire.encodeForwardedMessage(forwarded).length
  expect(length).toBeLessThanOrEqual(LIMITS.nodeDatagramBytes)
})

test.each([
  ['a network that both share', NETWORK, '3b9840000000 00000000'],
  ['both of one user', undefined, '00000000000000000000'],
])('a forwarded message tells the user of its sender, and %s', (_, network, hex) => {
  const message = {
    ...NUMBERED,
    to: ALICE,
    from: BOB,
    body: fromHex('aabb'),
    sender: { user: USER, network },
  }
  const bytes = wire.encodeForwardedMessage(message)
  expect(Buffer.from(bytes).toString('hex')).toBe(
    `${FORWARD_LINE} 035a0000000000000000 ${hex}`.replaceAll(' ', ''),
  )
  expect(wire.decodeForwardedMessage(bytes)).toEqual(message)
  const { sender: __, ...before } = message
  for (const cut of [1, 10, 20]) expect(wire.decodeForwardedMessage(bytes.subarray(0, -cut))).toEqual(before)
})

/** During an update nodes of two versions talk to each other. The later one may append fields to what it sends. */
const LATER = filled(7, 0xee)
const ONES = { to: ALICE, from: BOB, tunnel: TUNNEL, handshake: NODE }
test.each([
  [
    'FORWARD_MESSAGE',
    wire.encodeForwardedMessage({ ...NUMBERED, to: ALICE, from: BOB, body: fromHex('aabb') }),
    wire.decodeForwardedMessage,
  ],
  [
    'FORWARD_MESSAGE with its sender',
    wire.encodeForwardedMessage({
      ...{ ...NUMBERED, to: ALICE, from: BOB, body: fromHex('aabb') },
      sender: { user: USER, network: NETWORK },
    }),
    wire.decodeForwardedMessage,
  ],
  [
    'FORWARD_RECEIPT',
    wire.encodeForwardedReceipt({ to: ALICE, from: BOB, epoch: 1, sequence: 2, outcome: 'delivered' }),
    wire.decodeForwardedReceipt,
  ],
  [
    'FORWARD_OFFER',
    wire.encodeForwardedOffer({ ...ONES, noise: fromHex('dd'), expected: EXPECTED }),
    wire.decodeForwardedOffer,
  ],
  [
    'FORWARD_ANSWER',
    wire.encodeForwardedAnswer({ ...ONES, outcome: 'accepted', noise: fromHex('dd'), expected: EXPECTED }),
    wire.decodeForwardedAnswer,
  ],
  ['FORWARD_REJOIN', wire.encodeForwardedRejoin({ ...ONES, leg: 1 }), wire.decodeForwardedRejoin],
  ['MOVED', wire.encodeMoved({ peer: ALICE, since: 1 }), wire.decodeMoved],
] as const)('a node reads a %s to which a later version has appended something', (_, bytes, decode) => {
  const longer = new Uint8Array([...bytes, ...LATER])
  expect(decode(bytes)).toBeDefined()
  expect(decode(longer)).toEqual(decode(bytes))
})
