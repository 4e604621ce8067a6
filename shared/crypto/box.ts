import { sodium } from './native.ts'

export const NONCE_BYTES = 24
const TAG_BYTES = 16

/**
 * Seals with XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha), and returns ciphertext and tag. With 24 bytes the nonce can be
 * random: no counter has to be kept. `additional` is authenticated, and not part of the result.
 */
export function sealBox(
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  additional: Uint8Array | null = null,
): Uint8Array {
  const sealed = new Uint8Array(plaintext.length + TAG_BYTES)
  sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, plaintext, additional, null, nonce, key)
  return sealed
}

/** Opens a sealed box. Undefined if it was not sealed with this key, nonce and additional data. */
export function openBox(
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  additional: Uint8Array | null = null,
): Uint8Array | undefined {
  if (sealed.length < TAG_BYTES || nonce.length !== NONCE_BYTES) return undefined
  const plaintext = new Uint8Array(sealed.length - TAG_BYTES)
  try {
    sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(plaintext, null, sealed, additional, nonce, key)
    return plaintext
  } catch {
    return undefined
  }
}
