import { expect, test } from 'vitest'
import { PublicAddress } from '../../../shared/core/peer/public-address.ts'
import { addressOf } from '../../../shared/wire/address.ts'

const at = (ip: string, port = 1) => addressOf(ip, port)!

test('another IP of the same family is news; another port, or the first IP of a family, is not', () => {
  const address = new PublicAddress()
  expect(address.seen(at('203.0.113.1'))).toBe('same')
  expect(address.seen(at('203.0.113.1', 2))).toBe('same')
  expect(address.seen(at('2001:db8::1'))).toBe('same')
  expect(address.seen(at('203.0.113.2'))).toBe('surprise')
  expect(address.seen(at('2001:db8::1'))).toBe('same')
  expect(address.seen(at('2001:db8::2'))).toBe('surprise')
})

test('after the host has moved it is expected, once', () => {
  const address = new PublicAddress()
  address.seen(at('203.0.113.1'))
  address.expect()
  expect(address.seen(at('203.0.113.2'))).toBe('expected')
  expect(address.seen(at('203.0.113.3'))).toBe('surprise')
})

test('the placeholder of a carrier is no address', () => {
  const address = new PublicAddress()
  address.seen(at('203.0.113.1'))
  expect(address.seen(at('100::1'))).toBe('same')
  expect(address.seen(at('203.0.113.1'))).toBe('same')
})

test('a router that maps a port at another IP than before has moved', () => {
  const address = new PublicAddress()
  expect(address.mapped(at('203.0.113.1'))).toBe(false)
  expect(address.mapped(undefined)).toBe(false)
  expect(address.mapped(at('203.0.113.1', 9))).toBe(false)
  expect(address.mapped(at('203.0.113.2'))).toBe(true)
})
