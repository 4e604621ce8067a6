import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseAddress } from '../../shared/wire/address.ts'
import { Reader, Writer } from '../../shared/wire/cursor.ts'
import {
  MAX_CANDIDATES,
  MAX_PROFILE_BYTES,
  type Profile,
  readProfile,
  UNKNOWN_PROFILE,
  writeProfile,
} from '../../shared/wire/profile.ts'

const address = fc
  .array(fc.nat(0xffffffff), { minLength: 4, maxLength: 4 })
  .chain((ip) => fc.nat(0xffff).map((port) => ({ words: Uint32Array.of(...ip, port) })))
const dependence = fc.constantFrom('unknown', 'independent', 'address', 'addressAndPort')
const profile: fc.Arbitrary<Profile> = fc.record({
  mapping: dependence,
  filtering: dependence,
  allocation: fc.constantFrom('unknown', 'preserving', 'sequential', 'block', 'random'),
  step: fc.nat(0xffff),
  low: fc.nat(0xffff),
  high: fc.nat(0xffff),
  hops: fc.nat(0xff),
  hairpin: fc.boolean(),
  udpBlocked: fc.boolean(),
  ready: fc.boolean(),
  quiet: fc.boolean(),
  forgiving: fc.boolean(),
  overloads: fc.constantFrom('unknown', 'yes', 'no'),
  pooled: fc.boolean(),
  paths: fc.constantFrom('auto', 'direct-only', 'relay-only'),
  candidates: fc.array(fc.record({ kind: fc.constantFrom('host', 'reflexive', 'mapped'), address }), {
    maxLength: MAX_CANDIDATES,
  }),
  next: fc.nat(0xffff),
})

function encode(value: Profile): Uint8Array {
  const writer = new Writer(new Uint8Array(2 * MAX_PROFILE_BYTES))
  writeProfile(writer, value)
  return writer.done()
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

test('a profile is one line of hex', () => {
  const value: Profile = {
    ...UNKNOWN_PROFILE,
    mapping: 'independent',
    filtering: 'addressAndPort',
    allocation: 'sequential',
    step: 2,
    low: 40000,
    high: 40006,
    hops: 2,
    hairpin: true,
    ready: true,
    paths: 'direct-only',
    candidates: [{ kind: 'reflexive', address: parseAddress('203.0.113.7:40000')! }],
    next: 40008,
  }
  const line = '01030200029c409c46020501010100000000000000000000ffffcb0071079c409c48'
  expect(hex(encode(value))).toBe(line)
  expect(readProfile(new Reader(Buffer.from(line, 'hex')))).toEqual(value)
})

test('what is written is read', () => {
  fc.assert(
    fc.property(profile, (value) => {
      const bytes = encode(value)
      expect(bytes.length).toBeLessThanOrEqual(MAX_PROFILE_BYTES)
      expect(readProfile(new Reader(bytes))).toEqual(value)
    }),
  )
})

test('a profile cut short is refused, one with more behind it is not', () => {
  fc.assert(
    fc.property(profile, fc.nat(), (value, cut) => {
      const bytes = encode(value)
      expect(readProfile(new Reader(bytes.subarray(0, cut % bytes.length)))).toBeUndefined()
      expect(readProfile(new Reader(Buffer.concat([bytes, Buffer.alloc(3)])))).toEqual(value)
    }),
  )
})

test('numbers from the future read as unknown, and candidates of unknown kinds are skipped', () => {
  const bytes = encode({
    ...UNKNOWN_PROFILE,
    candidates: [{ kind: 'host', address: parseAddress('10.0.0.1:1')! }],
  })
  bytes.set([9, 9, 9])
  bytes[13] = 9
  expect(readProfile(new Reader(bytes))).toEqual(UNKNOWN_PROFILE)
})

test('no more candidates than the limit are read', () => {
  const many = Buffer.concat([
    encode(UNKNOWN_PROFILE).subarray(0, 12),
    Buffer.from([200]),
    Buffer.alloc(200 * 19 + 2),
  ])
  expect(readProfile(new Reader(many))!.candidates).toHaveLength(MAX_CANDIDATES)
})

test('random bytes never throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void readProfile(new Reader(bytes))))
})
