import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NONCE_BYTES, openBox, sealBox } from '../../shared/crypto/box.ts'
import { type FleetPurpose, openFleet, sealFleet } from '../../shared/crypto/fleet.ts'
import { bytesOf, hexOf } from './hex.ts'

const KEY = new Uint8Array(32).fill(1)
const OLD = new Uint8Array(32).fill(2)
const NONCE = new Uint8Array(NONCE_BYTES).fill(3)
const TEXT = Buffer.from('between nodes')
const PURPOSES: readonly FleetPurpose[] = ['node', 'stun', 'handshake', 'relay']

describe('what is sealed for the fleet', () => {
  test('opens with the key it was sealed with, for the same purpose only', () => {
    for (const purpose of PURPOSES) {
      const sealed = sealFleet(KEY, purpose, TEXT, NONCE)
      const opened = PURPOSES.filter((other) => openFleet([KEY], other, sealed) !== undefined)
      expect(opened).toEqual([purpose])
      expect(hexOf(openFleet([KEY], purpose, sealed)!)).toBe(hexOf(TEXT))
      expect(openFleet([OLD], purpose, sealed)).toBeUndefined()
    }
  })

  test('opens with the old key and the new one while they change', () => {
    for (const key of [KEY, OLD]) {
      expect(openFleet([KEY, OLD], 'node', sealFleet(key, 'node', TEXT, NONCE))).toBeDefined()
    }
  })

  test('carries its nonce first and grows by 40 bytes', () => {
    const sealed = sealFleet(KEY, 'stun', TEXT, NONCE)
    expect(sealed).toHaveLength(TEXT.length + 40)
    expect(sealed.subarray(0, NONCE_BYTES)).toEqual(NONCE)
  })

  test('does not open when a byte was changed or cut off', () => {
    const sealed = sealFleet(KEY, 'node', TEXT, NONCE)
    for (let i = 0; i < sealed.length; i++) {
      const changed = sealed.slice()
      changed[i]! ^= 1
      expect(openFleet([KEY], 'node', changed)).toBeUndefined()
      expect(openFleet([KEY], 'node', sealed.subarray(0, i))).toBeUndefined()
    }
  })

  test('never throws on bytes of any kind', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(openFleet([KEY, OLD], 'node', bytes)).toBeUndefined()
      }),
    )
  })
})

describe('a box', () => {
  test('is XChaCha20-Poly1305 as draft-irtf-cfrg-xchacha-03, appendix A.3.1, without its additional data', () => {
    const key = bytesOf('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f')
    const nonce = bytesOf('404142434445464748494a4b4c4d4e4f5051525354555657')
    const text = Buffer.from(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    )
    const sealed = sealBox(key, nonce, text)
    expect(hexOf(sealed.subarray(0, -16))).toBe(
      'bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52e',
    )
    expect(hexOf(openBox(key, nonce, sealed)!)).toBe(hexOf(text))
  })

  test('does not open with a nonce of another length', () => {
    expect(openBox(KEY, NONCE.subarray(1), sealBox(KEY, NONCE, TEXT))).toBeUndefined()
  })
})
