/**
 * A proof: a JWT that a peer signs with its own key, to show that it holds the key.
 *
 *   header  { alg: "EdDSA", typ: "straightway-proof+jwt" }
 *   claims  { sub: peer, aud, jti, iat }
 *
 * A proof is valid once, at one door of one deployment, within PROOF_MS of its `iat`. `aud` is the address that the
 * peer dialled (`audiencesOf`), so the operator of another deployment cannot replay here a proof that was made for
 * theirs. A used `jti` is kept in the table Proofs until the proof has expired.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { type CryptoKey, decodeJwt, importJWK, type JWTPayload, jwtVerify } from 'jose'
import { StraightwayError } from '../shared/errors.ts'
import { isPeerId, type PeerId, publicKeyOf } from '../shared/ids.ts'
import { spendProof } from '../shared/store/proofs.ts'

export const PROOF_MS = 2 * 60_000
const PORT = /:\d{1,5}$/
const EXPECTED = { algorithms: ['EdDSA'], typ: 'straightway-proof+jwt' }

export interface ProofDoor {
  readonly client: DynamoDBDocumentClient
  /** The accepted values of `aud`. */
  readonly audiences: readonly string[]
  /** Epoch milliseconds. */
  readonly now: number
}

/**
 * The accepted values of `aud` at a door of one deployment: `straightway-index://HOST` for INDEX,
 * `straightway-gateway://HOST` for the WebSocket API. HOST includes the port unless it is the default of the scheme.
 *
 * `domainName`: API Gateway's own name under which the request arrived. `configured`: names of proxies in front of
 * it, separated by commas.
 */
export function audiencesOf(
  door: 'index' | 'gateway',
  domainName: string | undefined,
  configured: string | undefined,
): readonly string[] {
  const hosts = [domainName, ...(configured?.split(',') ?? [])].filter((host) => host !== undefined)
  return hosts.map((host) => `straightway-${door}://${host.trim().toLowerCase()}`)
}

/** Verifies a proof, marks it as used, and returns the peer that made it. Errors: `unauthenticated`. */
export async function useProof({ client, audiences, now }: ProofDoor, proof: string): Promise<PeerId> {
  const peer = subjectOf(proof)
  const { iat, jti } = await verified(proof, peer, audiences, now)
  if (iat === undefined || typeof jti !== 'string' || !/^[\w-]{16,64}$/.test(jti))
    throw refused('lacks `iat` or a `jti` of 16 to 64 letters, digits, - or _', audiences)
  const issuedAt = iat * 1000
  if (Math.abs(now - issuedAt) > PROOF_MS)
    throw refused(`is of another time: our clock says ${new Date(now).toISOString()}`, audiences)
  if (!(await spendProof(client, { peer, jti, endsAt: issuedAt + PROOF_MS })))
    throw refused('was used before', audiences)
  return peer
}

async function verified(
  proof: string,
  peer: PeerId,
  audiences: readonly string[],
  now: number,
): Promise<JWTPayload> {
  const x = Buffer.from(publicKeyOf(peer)).toString('base64url')
  try {
    const key = (await importJWK({ kty: 'OKP', crv: 'Ed25519', x }, 'EdDSA')) as CryptoKey
    const { payload } = await jwtVerify(proof, key, { ...EXPECTED, currentDate: new Date(now) })
    if (audiences.some((audience) => isFor(payload.aud, audience))) return payload
  } catch {
    // Refused below, in the same way as a proof for another door.
  }
  throw refused('is not signed by its peer for us', audiences)
}

/** True if `aud` names this audience. A host without a port, such as API Gateway's own, matches at every port. */
function isFor(aud: JWTPayload['aud'], audience: string): boolean {
  if (typeof aud !== 'string') return false
  return aud === audience || (!PORT.test(audience) && aud.replace(PORT, '') === audience)
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

function refused(why: string, [audience = 'straightway-index://HOST']: readonly string[] = []) {
  return new StraightwayError(
    'unauthenticated',
    `The proof ${why}: sign { sub, aud: "${audience}", jti, iat } with the peer's key, anew for each request`,
  )
}
