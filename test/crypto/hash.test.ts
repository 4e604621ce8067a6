import { describe, expect, test } from 'vitest'
import { hash128, hash256, sameBytes } from '../../shared/crypto/hash.ts'
import { hexOf } from './hex.ts'

const KEY = Uint8Array.from({ length: 64 }, (_, i) => i)

describe('a keyed hash', () => {
  test('is BLAKE2b of another implementation', () => {
    // Python: hashlib.blake2b(b'abc', key=bytes(range(64)), digest_size=32) and 16.
    expect(hexOf(hash256(KEY, 'abc'))).toBe(
      'dff38c978666dff5631db35ca15535520d134f5c8060ea569c6a178ad393719f',
    )
    expect(hexOf(hash128(KEY, 'abc'))).toBe('a9f9ff5c38d7eda4899ab27d41b93372')
  })

  test('is over its parts joined', () => {
    expect(hash256(KEY, 'ab', Buffer.from('c'))).toEqual(hash256(KEY, 'abc'))
  })
})

describe('a comparison', () => {
  test('is true for the same bytes only', () => {
    expect(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true)
    expect(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false)
    expect(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1))).toBe(false)
  })
})
