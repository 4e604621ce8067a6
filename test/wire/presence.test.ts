import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NetworkId, UserId } from '../../shared/ids.ts'
import type { PresenceRecord } from '../../shared/presence.ts'
import { MAX_BODY_BYTES } from '../../shared/wire/frames.ts'
import * as wire from '../../shared/wire/presence.ts'
import { ALICE, ALICE_HEX, codec, codecSuite, metadata, peerId, u16, u32, u48 } from './codec-suite.ts'

const USER = 'u_aaaaaaaaaaaaaaaa' as UserId
const USER_HEX = `12${Buffer.from(USER).toString('hex')}`
const RECORD: PresenceRecord = {
  peer: ALICE,
  user: USER,
  status: 'busy',
  custom: 'hi',
  metadata: { a: 1 },
  since: 1,
  version: 2,
  lastSeenAt: 3,
}
const RECORD_HEX = `${ALICE_HEX} 02 000000000001 00000002 000000000003 ${USER_HEX} 026869 0007 ${hexOf('{"a":1}')}`

const record: fc.Arbitrary<PresenceRecord> = fc.record({
  peer: peerId,
  user: fc.constant(USER),
  status: fc.constantFrom('online', 'away', 'busy', 'invisible', 'offline', 'unknown'),
  custom: fc.string({ maxLength: 30 }),
  metadata,
  since: u48,
  version: u32,
  lastSeenAt: u48,
})

const change = { kind: 'metadata', entity: 'object', id: 'o', networks: ['n' as NetworkId] } as const

codecSuite({
  STATUS: codec<wire.StatusUpdate>({
    encode: wire.encodeStatus,
    decode: wire.decodeStatus,
    value: { version: 2, status: 'away', custom: 'hi', metadata: { a: 1 } },
    line: `00000002 01 026869 0007 ${hexOf('{"a":1}')}`,
    any: fc.record({
      version: u32,
      status: fc.constantFrom('online', 'away', 'busy', 'invisible'),
      custom: fc.string({ maxLength: 30 }),
      metadata,
    }),
    least: 17,
  }),
  'STATUS with a prekey': codec<wire.StatusUpdate>({
    encode: wire.encodeStatus,
    decode: wire.decodeStatus,
    value: { version: 2, status: 'away', custom: '', metadata: {}, prekey: new Uint8Array(102).fill(7) },
    line: `00000002 01 00 0002 7b7d 0066 ${'07'.repeat(102)}`,
    any: fc.record({
      ...{ version: u32, custom: fc.string({ maxLength: 30 }), metadata },
      status: fc.constantFrom('online', 'away', 'busy', 'invisible'),
      prekey: fc.uint8Array({ minLength: 102, maxLength: 102 }),
    }),
    least: 10,
  }),
  PRESENCE: codec<PresenceRecord>({
    encode: wire.encodePresence,
    decode: wire.decodePresence,
    value: RECORD,
    line: RECORD_HEX,
    any: record,
    least: 80,
  }),
  FIND: codec<wire.Find>({
    encode: wire.encodeFind,
    decode: wire.decodeFind,
    value: { request: 9, limit: 20, filter: 'a pr' },
    line: '00000009 14 0004 61207072',
    any: fc.record({
      request: u32,
      limit: fc.integer({ min: 1, max: 255 }),
      filter: fc.string({ maxLength: 100 }),
    }),
    least: 11,
  }),
  FOUND: codec<wire.Found>({
    encode: wire.encodeFound,
    decode: wire.decodeFound,
    value: { request: 9, record: RECORD },
    line: `00000009 ${RECORD_HEX}`,
    any: fc.record({ request: u32, record }),
    least: 84,
  }),
  FOUND_END: codec<wire.FoundEnd>({
    encode: wire.encodeFoundEnd,
    decode: wire.decodeFoundEnd,
    value: { request: 9, count: 2, more: true, error: 'no' },
    line: '00000009 0002 01 026e6f',
    any: fc.record({ request: u32, count: u16, more: fc.boolean(), error: fc.string({ maxLength: 60 }) }),
    least: 10,
  }),
  CHANGE: codec<wire.Change>({
    encode: wire.encodeChange,
    decode: wire.decodeChange,
    value: change,
    line: `003f ${hexOf(JSON.stringify(change))}`,
    any: fc.string({ maxLength: 40 }).map((id) => ({ ...change, id })),
    least: 65,
  }),
})

test('a change whose value does not fit is told without it', () => {
  const long = wire.encodeChange({ ...change, value: 'x'.repeat(2000) })
  expect(long.length).toBeLessThanOrEqual(MAX_BODY_BYTES)
  expect(wire.decodeChange(long)).toEqual(change)
  const most = {
    ...change,
    value: 'x'.repeat(MAX_BODY_BYTES - 2 - JSON.stringify({ ...change, value: '' }).length),
  }
  expect(wire.encodeChange(most)).toHaveLength(MAX_BODY_BYTES)
  expect(wire.decodeChange(wire.encodeChange(most))).toEqual(most)
})

test('an error longer than its field is cut at a letter', () => {
  const end = wire.encodeFoundEnd({ request: 1, count: 0, more: false, error: 'é'.repeat(200) })
  expect(wire.decodeFoundEnd(end)?.error).toBe('é'.repeat(127))
})

test.each([
  ['a status that no peer may give itself', { status: 'offline' as never }],
  ['metadata of more than one level', { metadata: { a: { b: 1 } } as never }],
  ['metadata that is too long', { metadata: { a: 'x'.repeat(600) } }],
  ['a custom text that is too long', { custom: 'x'.repeat(129) }],
])('%s is refused', (_, wrong) => {
  const update = { version: 1, status: 'online', custom: '', metadata: {}, ...wrong } as const
  expect(wire.decodeStatus(wire.encodeStatus(update))).toBeUndefined()
})

test.each([
  '{"a":1e999}',
  '{"a":1e126}',
  '{"a":-1e-131}',
  '{"":1}',
  '{"__proto__":1}',
])('metadata that no table can keep is refused: %s', (json) => {
  const body = Buffer.from(
    `00000001 00 00 00${Buffer.of(json.length).toString('hex')} ${hexOf(json)}`.replaceAll(' ', ''),
    'hex',
  )
  expect(wire.decodeStatus(body)).toBeUndefined()
})

function hexOf(text: string): string {
  return Buffer.from(text).toString('hex')
}
