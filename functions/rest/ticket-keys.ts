/**
 * Issues and checks tickets: JWTs (EdDSA) that say which user a peer belongs to, and nothing else. Nodes check them
 * offline, and what the peer may do is read from the tables at each sign-in and each request.
 *
 * Whoever holds a ticket can use it as a credential at INDEX, so there it is good for a day. A node accepts it until
 * `exp`, for six days, because a node also needs the peer's key.
 *
 *   header  { alg: "EdDSA", kid }
 *   claims  { sub: peer, usr, iat, exp }   times in seconds
 */
import { type CryptoKey, importJWK, type JWK, type JWTHeaderParameters, jwtVerify, SignJWT } from 'jose'
import { StraightwayError } from '../../shared/errors.ts'
import { isPeerId, type PeerId, toBase32, type UserId } from '../../shared/ids.ts'
import { LIMITS } from '../../shared/limits.ts'
import type { PublicTicketKey, RestConfig } from './config.ts'

export interface IssuedTicket {
  readonly ticket: string
  /** Time at which INDEX no longer accepts it, epoch milliseconds. */
  readonly expiresAt: number
  /** Time at which nodes no longer accept it, epoch milliseconds. */
  readonly signInUntil: number
}

export interface TicketKeys {
  issue(peer: PeerId, user: UserId, now: number): Promise<IssuedTicket>
  /** The peer that the ticket is for. Errors: `unauthenticated`. */
  verify(ticket: string, now: number): Promise<PeerId>
  /** The public keys with which nodes and peers check tickets; published by bootstrap. */
  readonly published: readonly { readonly kid: string; readonly publicKey: string }[]
}

export function createTicketKeys({ ticketKey, retiringTicketKeys, ticketMs }: RestConfig): TicketKeys {
  const publicKeys = [ticketKey, ...retiringTicketKeys].map(publicPartOf)
  const signing = importJWK(ticketKey as JWK, 'EdDSA') as Promise<CryptoKey>
  const verifying = new Map(
    publicKeys.map((key) => [key.kid, importJWK(key as JWK, 'EdDSA') as Promise<CryptoKey>]),
  )
  const credentialSeconds = Math.floor(Math.min(ticketMs, LIMITS.ticketMs) / 1000)
  return {
    published: publicKeys.map(({ kid, x }) => ({ kid, publicKey: toBase32(Buffer.from(x, 'base64url')) })),

    async issue(peer, user, now) {
      const issuedAt = Math.floor(now / 1000)
      const ends = issuedAt + Math.floor(ticketMs / 1000)
      const ticket = await new SignJWT({ usr: user })
        .setProtectedHeader({ alg: 'EdDSA', kid: ticketKey.kid })
        .setSubject(peer)
        .setIssuedAt(issuedAt)
        .setExpirationTime(ends)
        .sign(await signing)
      return { ticket, expiresAt: (issuedAt + credentialSeconds) * 1000, signInUntil: ends * 1000 }
    },

    async verify(ticket, now) {
      const keyOf = ({ kid }: JWTHeaderParameters) => verifying.get(kid ?? '') ?? Promise.reject(INVALID())
      const options = {
        algorithms: ['EdDSA'],
        currentDate: new Date(now),
        requiredClaims: ['usr', 'iat', 'exp'],
      }
      const { payload } = await jwtVerify(ticket, keyOf, options).catch(() => Promise.reject(INVALID()))
      const age = now / 1000 - payload.iat!
      if (payload.sub === undefined || !isPeerId(payload.sub) || age >= credentialSeconds) throw INVALID()
      return payload.sub
    },
  }
}

const INVALID = () =>
  new StraightwayError(
    'unauthenticated',
    'The ticket is not valid or over: get a new one from POST /v1/tickets',
  )

function publicPartOf({ kty, crv, kid, x }: PublicTicketKey): PublicTicketKey {
  return { kty, crv, kid, x }
}
