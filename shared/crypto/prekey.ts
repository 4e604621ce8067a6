/**
 * Signed prekeys: X25519 keys of medium life that instant messages are sealed for (`sealed-message.ts`). A peer signs
 * each with its identity, so that nobody else can have messages sealed for a key of his.
 */
import { type PeerId, publicKeyOf } from '../ids.ts'
import { decodePrekey, encodePrekey, type Prekey, prekeyNumber, signedPart } from '../wire/prekeys.ts'
import { isAgreementKey } from './agreement-key.ts'
import { type Identity, sign, verify } from './identity.ts'
import { sodium } from './native.ts'
import type { StaticKeys } from './noise.ts'

const KEY_BYTES = 32

/** The key pair of a secret key of 32 bytes, which is copied. */
export function prekeyPair(secretKey: Uint8Array): StaticKeys {
  const pair = { publicKey: new Uint8Array(KEY_BYTES), secretKey: new Uint8Array(secretKey) }
  sodium.crypto_scalarmult_base(pair.publicKey, pair.secretKey)
  return pair
}

/** Signs a prekey and encodes it as it is published. */
export function signPrekey(identity: Identity, key: Uint8Array, signedAt: number): Uint8Array {
  return encodePrekey({ key, signedAt, signature: sign(identity, signedPart({ key, signedAt })) })
}

/** Reads a published prekey. Undefined if it is malformed, has no number, agrees on nothing, or was not signed by `peer`. */
export function readPrekey(peer: PeerId, bytes: Uint8Array): Prekey | undefined {
  const prekey = decodePrekey(bytes)
  if (prekey === undefined || prekeyNumber(prekey.key) === 0 || !isAgreementKey(prekey.key)) return undefined
  return verify(publicKeyOf(peer), signedPart(prekey), prekey.signature) ? prekey : undefined
}

/** Overwrites the secret half of a key pair that is not used any more. */
export function eraseKey({ secretKey }: StaticKeys): void {
  sodium.sodium_memzero(secretKey)
}
