import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  addressOf,
  formatAddress,
  formatIp,
  isIpv4,
  parseAddress,
  sameAddress,
  sameIp,
} from '../../shared/wire/address.ts'

test('IPv4 is an IPv6 address that begins with ::ffff', () => {
  const { words } = addressOf('203.0.113.7', 3478)!
  expect([...words]).toEqual([0, 0, 0xffff, 0xcb007107, 3478])
  expect(isIpv4(words)).toBe(true)
  expect(isIpv4(addressOf('2001:db8::1', 1)!.words)).toBe(false)
})

test('an IPv4 address written the long way is the same address', () => {
  expect(addressOf('::ffff:203.0.113.7', 1)).toEqual(addressOf('203.0.113.7', 1))
  expect(addressOf('::ffff:cb00:7107', 1)).toEqual(addressOf('203.0.113.7', 1))
})

test.each([
  ['2001:0db8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['0:0:0:0:0:0:0:0', '::'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['1::', '1::'],
])('%s is written as RFC 5952 says: %s', (from, to) => {
  expect(formatIp(addressOf(from, 0)!.words)).toBe(to)
})

test.each([
  '',
  '1.2.3',
  '1.2.3.256',
  '1.2.3.4.5',
  '1.2.3.x',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1::2::3',
  ':::',
  '12345::',
  'localhost',
])('%j is no IP address', (text) => {
  expect(addressOf(text, 1)).toBeUndefined()
})

test.each([
  '1.2.3.4',
  '1.2.3.4:',
  '1.2.3.4:65536',
  '1.2.3.4:-1',
  '1.2.3.4: 1',
  ':80',
  '::1:80',
  '[1.2.3.4',
  'a:b',
])('%j is no address', (text) => {
  expect(parseAddress(text)).toBeUndefined()
})

test('every address survives being written and read', () => {
  const word = fc.nat({ max: 0xffffffff })
  const ipv6 = fc.tuple(word, word, word, word)
  const ipv4 = word.map((ip) => [0, 0, 0xffff, ip] as const)
  fc.assert(
    fc.property(fc.oneof(ipv6, ipv4), fc.nat({ max: 0xffff }), (ip, port) => {
      const words = Uint32Array.of(...ip, port)
      expect(parseAddress(formatAddress(words))).toEqual({ words })
    }),
  )
})

test('no text makes it throw', () => {
  const likely = fc.string({ unit: fc.constantFrom(...'0123456789abcf:.[]%') })
  fc.assert(fc.property(fc.oneof(fc.string(), likely), (text) => void parseAddress(text)))
})

test('addresses are compared where they lie', () => {
  const a = addressOf('10.0.0.1', 1)!.words
  const b = Uint32Array.of(0, ...addressOf('10.0.0.1', 2)!.words)
  expect([sameIp(a, 0, b, 1), sameAddress(a, 0, b, 1), sameAddress(a, 0, a, 0)]).toEqual([true, false, true])
})
