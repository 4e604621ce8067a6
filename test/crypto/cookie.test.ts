import { describe, expect, test } from 'vitest'
import { Cookies, SECRET_MS } from '../../shared/crypto/cookie.ts'
import { Random } from '../../shared/crypto/random.ts'
import { parseAddress } from '../../shared/wire/address.ts'

const HERE = parseAddress('203.0.113.7:5000')!.words
const NOW = 1_700_000_000_000 - (1_700_000_000_000 % SECRET_MS)
const seeded = () => new Cookies(new Random(new Uint8Array(32).fill(1)))

describe('a cookie', () => {
  test('is good for its address, port and index only', () => {
    const cookies = seeded()
    const cookie = cookies.make(NOW, HERE, 0, 7)
    expect(cookie).toHaveLength(16)
    expect(cookies.isGood(cookie, NOW, HERE, 0, 7)).toBe(true)
    expect(cookies.isGood(cookie, NOW, HERE, 0, 8)).toBe(false)
    for (const other of ['203.0.113.7:5001', '203.0.113.8:5000', '[2001:db8::1]:5000']) {
      expect(cookies.isGood(cookie, NOW, parseAddress(other)!.words, 0, 7)).toBe(false)
    }
  })

  test('is good under the secret before the present one, and no longer', () => {
    const cookies = seeded()
    const cookie = cookies.make(NOW, HERE, 0, 7)
    expect(cookies.isGood(cookie, NOW + 2 * SECRET_MS - 1, HERE, 0, 7)).toBe(true)
    expect(cookies.isGood(cookie, NOW + 2 * SECRET_MS, HERE, 0, 7)).toBe(false)
  })

  test('is not one of another node', () => {
    const cookie = new Cookies(new Random(new Uint8Array(32).fill(2))).make(NOW, HERE, 0, 7)
    expect(seeded().isGood(cookie, NOW, HERE, 0, 7)).toBe(false)
  })

  test('is not made of zeros or cut short', () => {
    const cookies = seeded()
    expect(cookies.isGood(new Uint8Array(16), NOW, HERE, 0, 7)).toBe(false)
    expect(cookies.isGood(cookies.make(NOW, HERE, 0, 7).subarray(1), NOW, HERE, 0, 7)).toBe(false)
  })
})
