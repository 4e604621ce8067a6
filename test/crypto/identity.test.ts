import fc from 'fast-check'
import { decodeProtectedHeader, importJWK, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { identityOf, selfSignedProof, sign, staticPublicOf, verify } from '../../shared/crypto/identity.ts'
import { publicKeyOf } from '../../shared/ids.ts'
import { bytesOf, hexOf } from './hex.ts'

/** RFC 8032, section 7.1, test 2. */
const SEED = bytesOf('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb')
const PUBLIC = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'
const SIGNATURE =
  '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'
const identity = identityOf(SEED)

describe('an identity', () => {
  test('has the key and the signature of RFC 8032', () => {
    expect(hexOf(identity.publicKey)).toBe(PUBLIC)
    expect(hexOf(publicKeyOf(identity.peer))).toBe(PUBLIC)
    expect(hexOf(sign(identity, bytesOf('72')))).toBe(SIGNATURE)
    expect(verify(identity.publicKey, bytesOf('72'), bytesOf(SIGNATURE))).toBe(true)
  })

  test('has an X25519 form that others compute from its public key', () => {
    expect(staticPublicOf(identity.publicKey)).toEqual(identity.staticPublic)
    expect(staticPublicOf(new Uint8Array(32).fill(255))).toBeUndefined()
    expect(staticPublicOf(new Uint8Array(31))).toBeUndefined()
  })

  test('verifies nothing but its own signature of that message', () => {
    const message = bytesOf('72')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(verify(identity.publicKey, message, bytes)).toBe(false)
        expect(verify(bytes, message, bytesOf(SIGNATURE))).toBe(false)
      }),
    )
    expect(verify(identity.publicKey, bytesOf('73'), bytesOf(SIGNATURE))).toBe(false)
  })

  test('proves itself with a JWT that another implementation accepts', async () => {
    const proof = selfSignedProof(identity, {
      audience: 'straightway-index://index.test',
      issuedAt: 1_700_000_000_999,
      id: 'once-and-no-more',
    })
    expect(decodeProtectedHeader(proof)).toEqual({ alg: 'EdDSA', typ: 'straightway-proof+jwt' })
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(identity.publicKey).toString('base64url') }
    const { payload } = await jwtVerify(proof, await importJWK(jwk, 'EdDSA'))
    expect(payload).toEqual({
      sub: identity.peer,
      aud: 'straightway-index://index.test',
      jti: 'once-and-no-more',
      iat: 1_700_000_000,
    })
  })
})
