import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { describe, expect, test } from 'vitest'
import { identityOf } from '../../shared/crypto/identity.ts'
import { eraseKey, prekeyPair, readPrekey, signPrekey } from '../../shared/crypto/prekey.ts'
import { decodePrekey, encodePrekey, signedPart } from '../../shared/wire/prekeys.ts'
import { bytesOf, hexOf } from './hex.ts'

const SIGNED_AT = 1_790_000_000_000
const [alice, bob] = [identityOf(new Uint8Array(32).fill(1)), identityOf(new Uint8Array(32).fill(2))]
const secretKey = new Uint8Array(32).fill(5)

/** The vector of shared/crypto/README.md: the prekey of the secret 05..05, signed by the identity of the seed 01..01. */
const PUBLISHED =
  '50a61409b1ddd0325e9b16b700e719e9772c07000b1bd7786e907c653d20495d01a0c4506c009845a56e8c556a4b419313e84017a09ea68f539222a2774cb4e1eed930bec83b7c8c7c095da733fe98a0aac5ed2bc7c284e5605cc78c2c7a8ee67cde81fd4d08'

describe('a prekey', () => {
  const { publicKey } = prekeyPair(secretKey)
  const published = signPrekey(alice, publicKey, SIGNED_AT)

  test('is the one that a second implementation makes', () => {
    expect(hexOf(publicKey)).toBe(hexOf(x25519.getPublicKey(secretKey)))
    const signed = bytesOf(
      `${hexOf(new TextEncoder().encode('straightway/prekey/1'))}01a0c4506c00${hexOf(publicKey)}`,
    )
    const signature = ed25519.sign(signed, new Uint8Array(32).fill(1))
    expect(hexOf(published)).toBe(PUBLISHED)
    expect(PUBLISHED.endsWith(hexOf(signature))).toBe(true)
  })

  test('is read by everybody who knows whose it is', () => {
    expect(readPrekey(alice.peer, published)).toMatchObject({ key: publicKey, signedAt: SIGNED_AT })
  })

  test('of another peer, another time or another key is not read', () => {
    expect(readPrekey(bob.peer, published)).toBeUndefined()
    for (let i = 0; i < published.length; i++) {
      const changed = published.slice()
      changed[i]! ^= 1
      expect(readPrekey(alice.peer, changed)).toBeUndefined()
    }
    expect(readPrekey(alice.peer, published.subarray(0, -1))).toBeUndefined()
  })

  test('whose number would be 0 is not read', () => {
    const key = new Uint8Array(32).fill(9, 4)
    expect(readPrekey(alice.peer, signPrekey(alice, key, SIGNED_AT))).toBeUndefined()
  })

  test('is not a signature for anything else, nor of anything else', () => {
    const { signature } = decodePrekey(published)!
    expect(
      ed25519.verify(signature, signedPart({ key: publicKey, signedAt: SIGNED_AT }), alice.publicKey),
    ).toBe(true)
    expect(ed25519.verify(signature, publicKey, alice.publicKey)).toBe(false)
    const bare = ed25519.sign(publicKey, new Uint8Array(32).fill(1))
    const forged = encodePrekey({ key: publicKey, signedAt: SIGNED_AT, signature: bare })
    expect(readPrekey(alice.peer, forged)).toBeUndefined()
  })

  test('is overwritten when it is erased', () => {
    const pair = prekeyPair(secretKey)
    eraseKey(pair)
    expect(pair.secretKey).toEqual(new Uint8Array(32))
    expect(secretKey).toEqual(new Uint8Array(32).fill(5))
  })
})
