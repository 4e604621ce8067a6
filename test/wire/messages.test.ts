import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as wire from '../../shared/wire/messages.ts'
import { ALICE, ALICE_HEX, codec, codecSuite, fromHex, peerId, some, u32, u48 } from './codec-suite.ts'

const MESSAGE: wire.Message = {
  peer: ALICE,
  epoch: 1_790_000_000_000,
  sequence: 3,
  previous: 2,
  previousIsStored: true,
  sentAt: 1,
  body: fromHex('aabb'),
}

codecSuite({
  MESSAGE: codec<wire.Message>({
    encode: wire.encodeMessage,
    decode: wire.decodeMessage,
    value: MESSAGE,
    line: `${ALICE_HEX} 01a0c4506c00 00000003 00000002 01 000000000001 0002 aabb`,
    any: fc
      .record({
        peer: peerId,
        epoch: u48,
        sequence: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
        previousIsStored: fc.boolean(),
        sentAt: u48,
        body: some(1024),
      })
      .map((message) => ({ ...message, previous: message.sequence - 1 })),
    least: 57,
  }),
  'body of a MESSAGE': codec<wire.SealedBody>({
    encode: wire.encodeSealedBody,
    decode: wire.decodeSealedBody,
    value: { key: 7, sealed: fromHex('aabb') },
    line: '00000007 aabb',
    any: fc.record({ key: u32, sealed: some(1072) }),
    least: 4,
  }),
  RECEIPT: codec<wire.Receipt>({
    encode: wire.encodeReceipt,
    decode: wire.decodeReceipt,
    value: { peer: ALICE, epoch: 1_790_000_000_000, sequence: 3, outcome: 'mailboxFull' },
    line: `${ALICE_HEX} 01a0c4506c00 00000003 04`,
    any: fc.record({
      peer: peerId,
      epoch: u48,
      sequence: u32,
      outcome: fc.constantFrom(
        'delivered',
        'stored',
        'unknownPeer',
        'tooLarge',
        'rateLimited',
        'unreadable',
        'notHere',
      ),
    }),
    least: 43,
  }),
  'RECEIPT of what was unreadable': codec<wire.Receipt>({
    encode: wire.encodeReceipt,
    decode: wire.decodeReceipt,
    value: { peer: ALICE, epoch: 1_790_000_000_000, sequence: 3, outcome: 'unreadable', key: 9 },
    line: `${ALICE_HEX} 01a0c4506c00 00000003 07 00000009`,
    any: fc.record({
      ...{ peer: peerId, epoch: u48, sequence: u32, key: u32 },
      outcome: fc.constant('unreadable' as const),
    }),
    least: 43,
  }),
})

test('a message that comes before its predecessor, or has no number, is refused', () => {
  expect(wire.decodeMessage(wire.encodeMessage({ ...MESSAGE, previous: 3 }))).toBeUndefined()
  expect(wire.decodeMessage(wire.encodeMessage({ ...MESSAGE, sequence: 0, previous: 0 }))).toBeUndefined()
})
