import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Batch, SLOT_BYTES } from '../../shared/wire/batch.ts'
import {
  BIND_BYTES,
  decodeRelay,
  encodeRelay,
  isRelayControl,
  type RelayMessage,
} from '../../shared/wire/relay.ts'

const PREFIX = '51405357524c5931'
const GRANT = Uint8Array.of(0xaa, 0xbb)
const MAC = new Uint8Array(16).fill(0xcc)
const TOKEN = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)

const vectors: readonly (readonly [RelayMessage, string])[] = [
  [
    { op: 'release', stamp: 0x010203040506, grant: GRANT, mac: MAC },
    `04 010203040506 0002 aabb ${'cc'.repeat(16)}`,
  ],
  [
    { op: 'bound', stamp: 7, token: TOKEN, otherBound: true, draining: false, idleMs: 60_000 },
    '02 000000000007 0102030405060708 01 0000ea60',
  ],
  [{ op: 'confirm', token: TOKEN }, '03 0102030405060708'],
  [{ op: 'unbound' }, '05'],
  [{ op: 'keep' }, '06'],
  [{ op: 'kept', otherBound: true, draining: true }, '07 03'],
]

const messages: fc.Arbitrary<RelayMessage> = fc.oneof(
  fc.record({
    op: fc.constantFrom('bind' as const, 'release' as const),
    stamp: fc.nat(2 ** 48 - 1),
    grant: fc.uint8Array({ maxLength: 700 }),
    mac: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  }),
  fc.record({
    op: fc.constant('bound' as const),
    stamp: fc.nat(2 ** 48 - 1),
    token: fc.uint8Array({ minLength: 8, maxLength: 8 }),
    otherBound: fc.boolean(),
    draining: fc.boolean(),
    idleMs: fc.nat(2 ** 32 - 1),
  }),
  fc.record({ op: fc.constant('confirm' as const), token: fc.uint8Array({ minLength: 8, maxLength: 8 }) }),
  fc.record({ op: fc.constant('kept' as const), otherBound: fc.boolean(), draining: fc.boolean() }),
)

describe('control of a relay', () => {
  test.each(vectors)('%o is these bytes', (message, hex) => {
    expect(Buffer.from(encodeRelay(message)).toString('hex')).toBe(PREFIX + hex.replaceAll(' ', ''))
    expect(decodeRelay(encodeRelay(message))).toEqual(message)
  })

  test('BIND is as long as a datagram may be, however short its grant', () => {
    const bytes = encodeRelay({ op: 'bind', stamp: 1, grant: GRANT, mac: MAC })
    expect(bytes).toHaveLength(1200)
    expect(Buffer.from(bytes.subarray(0, 35)).toString('hex')).toBe(
      `${PREFIX}010000000000010002aabb${'cc'.repeat(16)}`,
    )
    expect(bytes.subarray(35).every((byte) => byte === 0)).toBe(true)
    expect(decodeRelay(bytes.subarray(0, BIND_BYTES - 1))).toBeUndefined()
  })

  test('is read as it was written, and with bytes behind it', () => {
    fc.assert(
      fc.property(messages, fc.uint8Array({ maxLength: 20 }), (message, more) => {
        expect(decodeRelay(encodeRelay(message))).toEqual(message)
        expect(decodeRelay(new Uint8Array([...encodeRelay(message), ...more]))).toEqual(message)
      }),
    )
  })

  test('is refused when it is shorter than its table', () => {
    for (const [message] of vectors) {
      const bytes = encodeRelay(message)
      for (let length = 8; length < bytes.length; length++) {
        expect(decodeRelay(bytes.subarray(0, length))).toBeUndefined()
      }
    }
  })

  test('never throws on bytes of any kind', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => {
        const datagram = Buffer.concat([Buffer.from(PREFIX, 'hex'), bytes])
        expect(() => decodeRelay(datagram)).not.toThrow()
      }),
    )
  })

  test('is told apart by its prefix alone, all eight bytes of it', () => {
    expect(isControl(encodeRelay({ op: 'keep' }))).toBe(true)
    expect(isControl(Buffer.from(PREFIX, 'hex'))).toBe(true)
    expect(isControl(Buffer.from(PREFIX, 'hex').subarray(0, 7))).toBe(false)
    for (let i = 0; i < 8; i++) {
      const other = encodeRelay({ op: 'keep' })
      other[i]! ^= 1
      expect(isControl(other)).toBe(false)
    }
  })
})

/** Checks a datagram in the second slot of a batch, followed by the rest of a longer one. */
function isControl(bytes: Uint8Array): boolean {
  const batch = new Batch(2)
  batch.bytes.set(Buffer.from(PREFIX, 'hex'), SLOT_BYTES)
  batch.push(new Uint8Array(0), new Uint32Array(5))
  batch.push(bytes, new Uint32Array(5))
  return isRelayControl(batch, 1)
}
