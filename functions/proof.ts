/**
 * A proof: a JWT that a peer signs with its own key, to show that it holds the key.
 *
 *   header  { alg: "EdDSA", typ: "straightway-proof+jwt" }
 *   claims  { sub: peer, aud, jti, iat }
 *
 * A proof is good for one use, at one door of one deployment, within PROOF_MS of its `iat`. `aud` is the address that the
 * peer dialled (`audienceOf`), so whoever runs another deployment cannot use here what was made for them. A used `jti` is
 * kept in the table Proofs until the proof has ended.
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
  /** What `aud` may be. */
  readonly audiences: readonly string[]
  /** Epoch milliseconds. */
  readonly now: number
}

/**
 * The doors of one deployment, as `aud` names them: `straightway-index://HOST` for INDEX, `straightway-gateway://HOST` for
 * the WebSocket API. HOST has the port if it is not the scheme's own. `domainName`: the name under
 * which API Gateway was asked, which is one of its own. `configured`: further names, separated by commas, of proxies before it.
 */
export function audiencesOf(
  door: 'index' | 'gateway',
  domainName: string | undefined,
  configured: string | undefined,
): readonly string[] {
  const hosts = [domainName, ...(configured?.split(',') ?? [])].filter((host) => host !== undefined)
  return hosts.map((host) => `straightway-${door}://${host.trim().toLowerCase()}`)
}

/** Whose proof it is. Errors: `unauthenticated`. */
export async function useProof({ client, audiences, now }: ProofDoor, proof: string): Promise<PeerId> {
  const peer = subjectOf(proof)
  const { iat, jti } = await verified(proof, peer, audiences, now)
  if (iat === undefined || !/^[\w-]{16,64}$/.test(jti ?? ''))
    throw refused('lacks `iat` or a `jti` of 16 to 64 letters, digits, - or _', audiences)
  const issuedAt = iat * 1000
  if (Math.abs(now - issuedAt) > PROOF_MS)
    throw refused(`is of another time: our clock says ${new Date(now).toISOString()}`, audiences)
  if (!(await spendProof(client, { peer, jti: jti!, endsAt: issuedAt + PROOF_MS })))
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
    // Refused below, as one for another door is.
  }
  throw refused('is not signed by its peer for us', audiences)
}

/** A name of ours that has no port, as API Gateway tells its own, is ours at every port. */
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
