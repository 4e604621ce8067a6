/**
 * A proof: a JWT that a peer signs with its own key, to show that the key is its own.
 *
 *   header  { alg: "EdDSA", typ: "straightway-proof+jwt" }
 *   claims  { sub: peer, aud, iat }                        within five minutes of our clock, either way
 *
 * `aud` is "straightway" where INDEX is asked, and "straightway-gateway" where a peer without UDP connects to the gateway.
 */
import { type CryptoKey, decodeJwt, importJWK, jwtVerify } from 'jose'
import { StraightwayError } from '../shared/errors.ts'
import { isPeerId, type PeerId, publicKeyOf } from '../shared/ids.ts'

const VALID_MS = 5 * 60_000
const EXPECTED = { algorithms: ['EdDSA'], typ: 'straightway-proof+jwt' }

/** Errors: `unauthenticated`. */
export async function verifyProof(proof: string, now: number, audience = 'straightway'): Promise<PeerId> {
  const peer = subjectOf(proof)
  const x = Buffer.from(publicKeyOf(peer)).toString('base64url')
  const key = (await importJWK({ kty: 'OKP', crv: 'Ed25519', x }, 'EdDSA')) as CryptoKey
  const options = { ...EXPECTED, audience, currentDate: new Date(now) }
  const { payload } = await jwtVerify(proof, key, options).catch(() =>
    Promise.reject(refused('is not signed by its peer for us')),
  )
  if (payload.iat === undefined) throw refused('has no `iat`')
  const ageMs = now - payload.iat * 1000
  if (Math.abs(ageMs) > VALID_MS)
    throw refused(`is of another time: our clock says ${new Date(now).toISOString()}`)
  return peer
}

function subjectOf(proof: string): PeerId {
  try {
    const { sub } = decodeJwt(proof)
    if (sub !== undefined && isPeerId(sub)) return sub
  } catch {
    throw refused('is no JWT')
  }
  throw refused('has no peer id as `sub`')
}

function refused(why: string): StraightwayError {
  return new StraightwayError(
    'unauthenticated',
    `The proof ${why}: sign { sub, aud: "straightway", iat } with the peer's key`,
  )
}
