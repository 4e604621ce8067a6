/** Checks ID tokens (OpenID Connect Core 1.0) of the team's identity provider with the keys that it publishes. */
import { setTimeout as delay } from 'node:timers/promises'
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import { StraightwayError } from '../../shared/errors.ts'
import type { PeerId } from '../../shared/ids.ts'
import type { OidcConfig } from './config.ts'

export interface Identity {
  /** `issuer#sub`: identifies the same person always. */
  readonly subject: string
  readonly name?: string
}

export interface IdentityProvider {
  /**
   * Checks an ID token; `now` in epoch milliseconds. A token that has a nonce is accepted only with the expected
   * nonce. If none is expected, the nonce must be the id of the peer, which binds the token to that peer. Errors:
   * `unauthenticated`; `unavailable` if the provider's keys cannot be fetched.
   */
  verify(idToken: string, now: number, expected?: Expected): Promise<Identity>
}

export interface Expected {
  readonly nonce?: string | undefined
  readonly peer?: PeerId | undefined
}

/** Signature algorithms with a public key. With a shared secret, anyone who can verify could also sign. */
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

/** Allowed difference between the provider's clock and ours. */
const CLOCK_SKEW_SECONDS = 60
/** Minimum interval between two fetches of the keys. A token signed with a newer key waits for the next fetch. */
const KEYS_MS = 1000
/** A valid `sub`: at most 255 ASCII characters (OpenID Connect Core, 2). */
const SUBJECT = /^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$/

export function createIdentityProvider(config: OidcConfig | undefined): IdentityProvider {
  if (config === undefined) {
    return {
      verify: () => Promise.reject(new StraightwayError('bad-request', 'No identity provider is configured')),
    }
  }
  const { issuer, audience } = config
  let keys: Promise<RemoteKeys> | undefined
  return {
    async verify(idToken, now, expected = {}) {
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
        clockTolerance: CLOCK_SKEW_SECONDS,
        requiredClaims: ['sub', 'exp'],
      }
      const { payload } = await verified(idToken, found, options).catch(rejected)
      expectClaims(payload, audience, expected)
      return { subject: `${issuer}#${payload.sub}`, ...nameIn(payload.name) }
    },
  }
}

type RemoteKeys = ReturnType<typeof createRemoteJWKSet>

/**
 * Verifies the token. If its key is unknown, the provider may have published a new one: the keys are fetched once
 * more, as soon as KEYS_MS allows. Of several tokens that wait for this, one fetches.
 */
async function verified(idToken: string, keys: RemoteKeys, options: JWTVerifyOptions) {
  try {
    return await verifiedByAny(idToken, keys, options)
  } catch (error) {
    if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
  }
  if (keys.coolingDown) await delay(KEYS_MS)
  if (!keys.coolingDown) await keys.reload()
  return verifiedByAny(idToken, keys, options)
}

/** Verifies the token with each key that its header allows: a key set may lack `kid`, or use one for several keys. */
async function verifiedByAny(idToken: string, keys: RemoteKeys, options: JWTVerifyOptions) {
  try {
    return await jwtVerify(idToken, keys, options)
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const key of error) {
      const found = await jwtVerify(idToken, key, options).catch(unlessSignature)
      if (found !== undefined) return found
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}

function unlessSignature(error: unknown): undefined {
  if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error
}

/** Checks the claims that the library does not (OpenID Connect Core, 3.1.3.7). Their types are whatever was signed. */
function expectClaims({ sub, aud, azp, nonce }: JWTPayload, audience: string, expected: Expected): void {
  const others = Array.isArray(aud) && aud.length > 1
  const ours = azp === undefined ? !others : azp === audience
  const ourNonce = nonce === expected.nonce || (expected.nonce === undefined && nonce === expected.peer)
  if (typeof sub !== 'string' || !SUBJECT.test(sub) || !ours) throw INVALID()
  if (!ourNonce)
    throw new StraightwayError(
      'unauthenticated',
      'The ID token was asked for with another `nonce`: send it along, or use the id of the peer as nonce',
    )
}

async function discoverKeys(issuer: string): Promise<RemoteKeys> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const reply = await fetch(address, { signal: AbortSignal.timeout(DISCOVERY_MS) })
  const document = (await reply.json()) as { issuer?: string; jwks_uri?: string }
  if (!reply.ok || document.jwks_uri === undefined) throw new Error(`${address} names no keys`)
  if (document.issuer !== issuer) throw new Error(`${address} is of another issuer: ${document.issuer}`)
  return createRemoteJWKSet(new URL(document.jwks_uri), { cooldownDuration: KEYS_MS })
}

/** The name, cut to 32 characters: these have at most 128 bytes, the limit of a name. */
function nameIn(claim: unknown): Pick<Identity, 'name'> {
  const text = typeof claim === 'string' ? claim.toWellFormed().normalize('NFC').trim() : ''
  const name = [...text].slice(0, 32).join('')
  return name === '' ? {} : { name }
}

/** Codes of errors in the provider's answer, not in the token. The generic one is of an answer that is no JSON or not 200. */
const OF_PROVIDER: ReadonlySet<string> = new Set([
  errors.JWKSTimeout.code,
  errors.JWKSInvalid.code,
  errors.JOSEError.code,
])

function rejected(error: unknown): never {
  throw error instanceof errors.JOSEError && !OF_PROVIDER.has(error.code)
    ? INVALID()
    : new StraightwayError('unavailable', `The identity provider cannot be reached: ${error}`)
}

const INVALID = () =>
  new StraightwayError(
    'unauthenticated',
    'The ID token is not valid here: sign in with the identity provider again',
  )
