import fc from 'fast-check'
import { exportJWK, type GenerateKeyPairResult, generateKeyPair, SignJWT } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { identityOf, selfSignedProof, sign } from '../../shared/crypto/identity.ts'
import { verifyTicket } from '../../shared/crypto/ticket.ts'

const NOW = 1_700_000_000_000
const SECONDS = NOW / 1000
const { peer } = identityOf(new Uint8Array(32).fill(1))
const SIGNER = identityOf(new Uint8Array(32).fill(2))
const ownKeys = new Map([['k1', SIGNER.publicKey]])
const CLAIMS = {
  sub: peer,
  usr: 'u_aaaaaaaaaaaaaaaa',
  iat: SECONDS,
  exp: SECONDS + 3600,
}
const HEADER = { alg: 'EdDSA', kid: 'k1' }
const INVALID = { ok: false, status: 'invalid' }

let pair: GenerateKeyPairResult
let keys: Map<string, Uint8Array>

beforeAll(async () => {
  pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  keys = new Map([['k1', await rawKey(pair.publicKey)]])
})

describe('a ticket', () => {
  test('made by jose is understood', async () => {
    expect(verifyTicket(await ticket(), keys, NOW)).toEqual({
      ok: true,
      ticket: {
        peer,
        user: CLAIMS.usr,
        issuedAt: NOW,
        expiresAt: NOW + 3600_000,
      },
    })
  })

  test('has ended at its `exp`', async () => {
    const text = await ticket()
    expect(verifyTicket(text, keys, NOW + 3600_000 - 1)).toMatchObject({ ok: true })
    expect(verifyTicket(text, keys, NOW + 3600_000)).toEqual({ ok: false, status: 'ended' })
  })

  test('is invalid when any one character was changed', async () => {
    const text = await ticket()
    for (let i = 0; i < text.length; i++) {
      const changed = `${text.slice(0, i)}${text[i] === 'A' ? 'B' : 'A'}${text.slice(i + 1)}`
      expect(verifyTicket(changed, keys, NOW)).toEqual(INVALID)
    }
  })

  test('is invalid in every other spelling of the same bytes', async () => {
    const text = await ticket()
    const [head, body, signature] = text.split('.') as [string, string, string]
    const others = [`${text}=`, `${text}.`, ` ${text}`, `${text}\n`, `${head}.${body}.${signature}A`]
    const standard = `${head}.${body}.${signature.replaceAll('-', '+').replaceAll('_', '/')}`
    if (standard !== text) others.push(standard)
    for (const other of others) expect(verifyTicket(other, keys, NOW)).toEqual(INVALID)
  })

  test('is invalid under a key id that is not known, or another key of that id', async () => {
    const other = await generateKeyPair('EdDSA', { crv: 'Ed25519' })
    expect(verifyTicket(await ticket({}, { ...HEADER, kid: 'k2' }), keys, NOW)).toEqual(INVALID)
    const foreign = new Map([['k1', await rawKey(other.publicKey)]])
    expect(verifyTicket(await ticket(), foreign, NOW)).toEqual(INVALID)
  })

  test('is invalid with another algorithm, without a key id, or with a header that must be understood', () => {
    const headers = [
      { alg: 'none', kid: 'k1' },
      { alg: 'HS256', kid: 'k1' },
      { alg: 'EdDSA' },
      { ...HEADER, crit: ['b64'], b64: false },
      { ...HEADER, b64: true },
      [],
      null,
    ]
    for (const header of headers)
      expect(verifyTicket(signedHere(header, CLAIMS), ownKeys, NOW)).toEqual(INVALID)
    expect(verifyTicket(signedHere(HEADER, CLAIMS), ownKeys, NOW)).toMatchObject({ ok: true })
  })

  test('is invalid when a claim has another shape, though INDEX signed it', async () => {
    const wrong = [{ sub: 'abc' }, { sub: undefined }, { usr: 'someone' }]
    for (const claims of wrong) expect(verifyTicket(await ticket(claims), keys, NOW)).toEqual(INVALID)
    for (const claims of [{ exp: '1700003600' }, { exp: 1e300 }, { iat: -1 }, { iat: 1.5 }]) {
      expect(verifyTicket(signedHere(HEADER, { ...CLAIMS, ...claims }), ownKeys, NOW)).toEqual(INVALID)
    }
  })

  test('is not a proof that a peer signed for itself', () => {
    const identity = identityOf(new Uint8Array(32).fill(1))
    const proof = selfSignedProof(identity, { audience: 'a', issuedAt: NOW, id: 'b' })
    expect(verifyTicket(proof, ownKeys, NOW)).toEqual(INVALID)
  })

  test('is invalid when it is longer than a datagram, whatever it says', () => {
    expect(verifyTicket(`${'A'.repeat(1200)}.A.A`, keys, NOW)).toEqual(INVALID)
  })

  test('never throws on text of any kind', () => {
    const parts = fc.array(fc.oneof(fc.base64String(), fc.json(), fc.string({ unit: 'binary' })), {
      maxLength: 4,
    })
    fc.assert(
      fc.property(parts, (parts) => {
        expect(verifyTicket(parts.join('.'), keys, NOW)).toEqual(INVALID)
      }),
    )
  })
})

async function ticket(claims: object = {}, header = HEADER): Promise<string> {
  return await new SignJWT({ ...CLAIMS, ...claims }).setProtectedHeader(header).sign(pair.privateKey)
}

async function rawKey(key: GenerateKeyPairResult['publicKey']): Promise<Uint8Array> {
  return new Uint8Array(Buffer.from((await exportJWK(key)).x!, 'base64url'))
}

/** Signs a token that no honest library would sign. */
function signedHere(header: unknown, claims: object): string {
  const signed = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${signed}.${Buffer.from(sign(SIGNER, Buffer.from(signed))).toString('base64url')}`
}
