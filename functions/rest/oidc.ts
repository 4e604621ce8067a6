/** ID tokens (OpenID Connect Core 1.0) of the team's identity provider, checked with the keys it publishes. */
import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { StraightwayError } from '../../shared/errors.ts'
import type { OidcConfig } from './config.ts'

export interface Identity {
  /** `issuer#sub`: the same person always. */
  readonly subject: string
  readonly name?: string
}

export interface IdentityProvider {
  /** Errors: `unauthenticated`, `unavailable` where the provider cannot be asked for its keys. */
  verify(idToken: string, now: number): Promise<Identity>
}

/** Signatures with a public key; a shared secret would let whoever verifies also sign. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]
const DISCOVERY_MS = 5000

export function createIdentityProvider(config: OidcConfig | undefined): IdentityProvider {
  if (config === undefined) {
    return {
      verify: () => Promise.reject(new StraightwayError('bad-request', 'No identity provider is configured')),
    }
  }
  const { issuer, audience } = config
  let keys: Promise<JWTVerifyGetKey> | undefined
  return {
    async verify(idToken, now) {
      keys ??= discoverKeys(issuer)
      const found = await keys.catch((error) => {
        keys = undefined
        throw new StraightwayError('unavailable', `The identity provider cannot be reached: ${error}`)
      })
      const options = {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        currentDate: new Date(now),
        requiredClaims: ['sub', 'exp'],
      }
      const { payload } = await jwtVerify(idToken, found, options).catch(rejected)
      return { subject: `${issuer}#${payload.sub}`, ...nameIn(payload.name) }
    },
  }
}

async function discoverKeys(issuer: string): Promise<JWTVerifyGetKey> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const reply = await fetch(address, { signal: AbortSignal.timeout(DISCOVERY_MS) })
  const document = (await reply.json()) as { jwks_uri?: string }
  if (!reply.ok || document.jwks_uri === undefined) throw new Error(`${address} names no keys`)
  return createRemoteJWKSet(new URL(document.jwks_uri))
}

/** As long as a name may be at most: 32 characters are 128 bytes or fewer. */
function nameIn(claim: unknown): Pick<Identity, 'name'> {
  const name = typeof claim === 'string' ? [...claim.trim().toWellFormed()].slice(0, 32).join('') : ''
  return name === '' ? {} : { name }
}

function rejected(error: unknown): never {
  const reachable = error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout)
  throw reachable
    ? new StraightwayError(
        'unauthenticated',
        'The ID token is not valid here: sign in with the identity provider again',
      )
    : new StraightwayError('unavailable', `The identity provider cannot be reached: ${error}`)
}
