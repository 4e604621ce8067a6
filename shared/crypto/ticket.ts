/**
 * A ticket: a JWT (RFC 7519, JWS RFC 7515, EdDSA RFC 8037) with which INDEX attests the identity of a peer. Nodes verify it
 * offline. It contains nothing that can change: permissions are read from the tables when the peer signs in.
 *
 * Every ticket that differs in form from those of INDEX is rejected: another algorithm, an unknown key id, padding or stray
 * bits in base64url, a critical header (`crit`), a claim of another type, or a text too long for a datagram.
 */
import { isPeerId, type PeerId, type UserId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import { fromBase64url } from '../wire/base64url.ts'
import { verify } from './identity.ts'

export interface Ticket {
  readonly peer: PeerId
  readonly user: UserId
  readonly issuedAt: number
  readonly expiresAt: number
}

/** Result of a verification. `status` uses the names of WELCOME_STATUS. */
export type TicketOutcome =
  | { readonly ok: true; readonly ticket: Ticket }
  | { readonly ok: false; readonly status: 'invalid' | 'ended' }

/** Ed25519 public keys by key id. */
export type TicketKeys = ReadonlyMap<string, Uint8Array>

const encoder = new TextEncoder()
const MAX_TEXT = LIMITS.datagramBytes
const INVALID: TicketOutcome = { ok: false, status: 'invalid' }
const ENDED: TicketOutcome = { ok: false, status: 'ended' }

export function verifyTicket(text: string, keys: TicketKeys, now: number): TicketOutcome {
  if (text.length > MAX_TEXT) return INVALID
  const [head, body, signature, more] = text.split('.')
  if (head === undefined || body === undefined || signature === undefined || more !== undefined)
    return INVALID
  const key = keyOf(json(head), keys)
  const signed = signature && fromBase64url(signature)
  if (!key || !signed || !verify(key, encoder.encode(`${head}.${body}`), signed)) return INVALID
  const ticket = ticketOf(json(body))
  if (ticket === undefined) return INVALID
  return now < ticket.expiresAt ? { ok: true, ticket } : ENDED
}

type Claims = Readonly<Record<string, unknown>>

function keyOf(header: Claims | undefined, keys: TicketKeys): Uint8Array | undefined {
  if (header === undefined || header.alg !== 'EdDSA' || typeof header.kid !== 'string') return undefined
  return 'crit' in header || 'b64' in header ? undefined : keys.get(header.kid)
}

function ticketOf(claims: Claims | undefined): Ticket | undefined {
  if (claims === undefined) return undefined
  const { sub, usr, iat, exp } = claims
  if (!isPeer(sub) || !isUser(usr) || !isTime(iat) || !isTime(exp)) return undefined
  return { peer: sub, user: usr, issuedAt: iat * 1000, expiresAt: exp * 1000 }
}

const isPeer = (value: unknown): value is PeerId => typeof value === 'string' && isPeerId(value)
const isUser = (value: unknown): value is UserId =>
  typeof value === 'string' && /^u_[a-z2-7]{16}$/.test(value)
/** True for a JWT's time: seconds since the epoch. */
const isTime = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) > 0 && (value as number) < 2 ** 40

function json(part: string): Claims | undefined {
  const bytes = fromBase64url(part)
  if (bytes === undefined) return undefined
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Claims)
      : undefined
  } catch {
    return undefined
  }
}
