import { type Identity, identityOf, sign } from '../shared/crypto/identity.ts'
import type { TicketKeys } from '../shared/crypto/ticket.ts'
import { LIMITS } from '../shared/limits.ts'

/** The identity of INDEX in benchmarks. Its key is public. */
const ISSUER = identityOf(new Uint8Array(32).fill(1))
const KEY_ID = 'bench'

export const BENCH_TICKET_KEYS: TicketKeys = new Map([[KEY_ID, ISSUER.publicKey]])

export function benchTicket({ peer }: Identity, now: number): { ticket: string; expiresAt: number } {
  const iat = Math.floor(now / 1000)
  const exp = iat + LIMITS.ticketMs / 1000
  const claims = { sub: peer, usr: `u_${peer.slice(0, 16)}`, iat, exp }
  const text = `${base64url({ alg: 'EdDSA', kid: KEY_ID })}.${base64url(claims)}`
  const signature = Buffer.from(sign(ISSUER, Buffer.from(text))).toString('base64url')
  return { ticket: `${text}.${signature}`, expiresAt: exp * 1000 }
}

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
