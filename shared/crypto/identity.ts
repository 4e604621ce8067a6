import { type PeerId, peerIdOf } from '../ids.ts'
import { toBase64url } from '../wire/base64url.ts'
import { sodium } from './native.ts'

const SIGNATURE_BYTES = 64
const KEY_BYTES = 32
const encoder = new TextEncoder()

/** The identity of a peer: an Ed25519 key pair, and its X25519 form, which is the static key of every Noise handshake. */
export interface Identity {
  readonly peer: PeerId
  /** Ed25519: 32 bytes public, 64 bytes secret (seed and public key). */
  readonly publicKey: Uint8Array
  readonly secretKey: Uint8Array
  /** X25519: 32 bytes each. */
  readonly staticPublic: Uint8Array
  readonly staticSecret: Uint8Array
}

/** Derives an identity from a seed of 32 bytes. The same seed always gives the same peer. */
export function identityOf(seed: Uint8Array): Identity {
  const publicKey = new Uint8Array(KEY_BYTES)
  const secretKey = new Uint8Array(SIGNATURE_BYTES)
  sodium.crypto_sign_seed_keypair(publicKey, secretKey, seed)
  const staticPublic = new Uint8Array(KEY_BYTES)
  const staticSecret = new Uint8Array(KEY_BYTES)
  sodium.crypto_sign_ed25519_pk_to_curve25519(staticPublic, publicKey)
  sodium.crypto_sign_ed25519_sk_to_curve25519(staticSecret, secretKey)
  return { peer: peerIdOf(publicKey), publicKey, secretKey, staticPublic, staticSecret }
}

/** The X25519 form of an Ed25519 public key; undefined if the bytes are not such a key. */
export function staticPublicOf(publicKey: Uint8Array): Uint8Array | undefined {
  const staticPublic = new Uint8Array(KEY_BYTES)
  try {
    sodium.crypto_sign_ed25519_pk_to_curve25519(staticPublic, publicKey)
    return staticPublic
  } catch {
    return undefined
  }
}

/** Signs a message with Ed25519 (RFC 8032). The signature has 64 bytes. */
export function sign(identity: Identity, message: Uint8Array): Uint8Array {
  const signature = new Uint8Array(SIGNATURE_BYTES)
  sodium.crypto_sign_detached(signature, message, identity.secretKey)
  return signature
}

export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false
  return sodium.crypto_sign_verify_detached(signature, message, publicKey)
}

export interface ProofOptions {
  /** The API that the proof is made for: `straightway-index://HOST` or `straightway-gateway://HOST`. */
  readonly audience: string
  /** Time by the clock of INDEX, in epoch milliseconds. */
  readonly issuedAt: number
  /** A unique id: 16 to 64 letters, digits, `-` or `_`. */
  readonly id: string
}

/**
 * A JWT (RFC 7519) with which a peer proves that it holds its private key. Its `sub` is the peer's public key, which verifies
 * the signature. It is accepted once, within two minutes of `issuedAt`.
 */
export function selfSignedProof(identity: Identity, { audience, issuedAt, id }: ProofOptions): string {
  const header = { alg: 'EdDSA', typ: 'straightway-proof+jwt' }
  const claims = { sub: identity.peer, aud: audience, jti: id, iat: Math.floor(issuedAt / 1000) }
  const signed = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`
  return `${signed}.${base64url(sign(identity, encoder.encode(signed)))}`
}

const base64url = (data: Uint8Array | string): string =>
  toBase64url(typeof data === 'string' ? encoder.encode(data) : data)
