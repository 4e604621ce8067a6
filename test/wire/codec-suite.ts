/** The tests of every codec: its vector, the round trip, rejection of truncated input, and no throw on any input. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { peerIdOf, type TunnelId, toBase32 } from '../../shared/ids.ts'

export interface Codec<T> {
  readonly encode: (value: T) => Uint8Array
  readonly decode: (bytes: Uint8Array) => T | undefined
  readonly value: T
  /** The value as one line of hex; blanks between fields. */
  readonly line: string
  readonly any: fc.Arbitrary<T>
  /** Minimum length in bytes. */
  readonly least: number
}

/** Hides the type that the codec's parts agree on. The suite does not need to know it. */
export const codec = <T>(it: Codec<T>): Codec<unknown> => it as unknown as Codec<unknown>

export const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex')
export const fromHex = (line: string): Uint8Array =>
  new Uint8Array(Buffer.from(line.replaceAll(' ', ''), 'hex'))
export const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)

export const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
export const some = (maxLength: number) => fc.uint8Array({ maxLength })
export const u8 = fc.nat(0xff)
export const u16 = fc.nat(0xffff)
export const u32 = fc.nat(0xffffffff)
export const u48 = fc.nat(2 ** 48 - 1)
export const peerId = bytes(32).map(peerIdOf)
export const tunnelId = bytes(16).map((id) => toBase32(id) as TunnelId)
export const address = fc
  .tuple(u32, u32, u32, u32, u16)
  .map(([a, b, c, d, port]) => ({ words: Uint32Array.of(a, b, c, d, port) }))
export const metadata = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 8 }).filter((name) => name !== '__proto__'),
  fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(fc.string({ maxLength: 5 }), { maxLength: 3 }),
  ),
  { maxKeys: 4, noNullPrototype: true },
)

/** Peers whose ids read easily in hex. */
export const ALICE = peerIdOf(filled(32, 0xa1))
export const BOB = peerIdOf(filled(32, 0xb0))
export const ALICE_HEX = 'a1'.repeat(32)
export const BOB_HEX = 'b0'.repeat(32)

export function codecSuite(codecs: Readonly<Record<string, Codec<unknown>>>): void {
  describe.each(Object.entries(codecs))('%s', (_name, { encode, decode, value, line, any, least }) => {
    test('is its line of hex', () => {
      expect(hex(encode(value))).toBe(line.replaceAll(' ', ''))
      expect(decode(fromHex(line))).toEqual(value)
    })

    test('is read as it was written', () => {
      fc.assert(
        fc.property(any, (each) => {
          expect(decode(encode(each))).toEqual(each)
        }),
      )
    })

    test('is refused when cut short, and random bytes never throw', () => {
      for (let length = 0; length < least; length++) {
        expect(decode(fromHex(line).subarray(0, length))).toBeUndefined()
      }
      fc.assert(fc.property(some(400), (each) => void decode(each)))
    })
  })
}
