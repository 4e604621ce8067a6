/**
 * Keys from secrets. A secret is a text that Secrets Manager made up; its SHA-256 is the key, so that any text will do and
 * nobody has to make a key by hand.
 *
 * A secret has up to three versions at a time (functions/keys/rotate.ts): `current` is used, `pending` will be,
 * `previous` was. What was made with any of them is accepted.
 */
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto'
import { toBase32 } from './ids.ts'

/** Texts, by version. */
export interface Versions {
  readonly current: string
  readonly pending?: string | undefined
  readonly previous?: string | undefined
}

export interface TicketJwk {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly alg: 'EdDSA'
  readonly kid: string
  readonly x: string
}

/** RFC 8410 section 7: what comes before the 32 bytes of an Ed25519 private key. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const KID_BYTES = 5

/** What INDEX is told as TICKET_KEY and TICKET_KEYS. */
export function ticketKeysOf(versions: Versions): {
  readonly signing: TicketJwk & { readonly d: string }
  readonly others: readonly TicketJwk[]
} {
  const seed = seedOf(versions.current)
  const signing = { ...publicJwkOf(seed), d: seed.toString('base64url') }
  return { signing, others: othersOf(versions).map((text) => publicJwkOf(seedOf(text))) }
}

/** The newest in use first, each as base64 of 32 bytes: what functions and nodes are told. */
export function fleetKeysOf(versions: Versions): string[] {
  return [versions.current, ...othersOf(versions)].map((text) => seedOf(text).toString('base64'))
}

function othersOf({ pending, previous }: Versions): string[] {
  return [pending, previous].filter((text) => text !== undefined)
}

const seedOf = (text: string): Buffer => createHash('sha256').update(text).digest()

function publicJwkOf(seed: Buffer): TicketJwk {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  const kid = toBase32(createHash('sha256').update(x).digest().subarray(0, KID_BYTES))
  return { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', kid, x }
}
