/** The part of sodium-native that is used here; the package has no types. Wrong lengths throw. */
declare module 'sodium-native' {
  const sodium: {
    sodium_memzero(bytes: Uint8Array): void
    sodium_memcmp(a: Uint8Array, b: Uint8Array): boolean
    crypto_generichash(out: Uint8Array, input: Uint8Array, key?: Uint8Array): void
    crypto_generichash_batch(out: Uint8Array, inputs: readonly Uint8Array[], key?: Uint8Array): void
    crypto_stream_chacha20(out: Uint8Array, nonce: Uint8Array, key: Uint8Array): void
    crypto_scalarmult_base(publicKey: Uint8Array, secretKey: Uint8Array): void
    crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void
    crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void
    crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
    crypto_sign_ed25519_pk_to_curve25519(staticPublic: Uint8Array, publicKey: Uint8Array): void
    crypto_sign_ed25519_sk_to_curve25519(staticSecret: Uint8Array, secretKey: Uint8Array): void
    crypto_aead_chacha20poly1305_ietf_encrypt_detached(
      ciphertext: Uint8Array,
      tag: Uint8Array,
      plaintext: Uint8Array,
      additional: Uint8Array | null,
      secretNonce: null,
      nonce: Uint8Array,
      key: Uint8Array,
    ): number
    /** Throws where the tag is wrong, and then zeroes `plaintext`. */
    crypto_aead_chacha20poly1305_ietf_decrypt_detached(
      plaintext: Uint8Array,
      secretNonce: null,
      ciphertext: Uint8Array,
      tag: Uint8Array,
      additional: Uint8Array | null,
      nonce: Uint8Array,
      key: Uint8Array,
    ): void
    crypto_aead_xchacha20poly1305_ietf_encrypt(
      ciphertext: Uint8Array,
      plaintext: Uint8Array,
      additional: Uint8Array | null,
      secretNonce: null,
      nonce: Uint8Array,
      key: Uint8Array,
    ): number
    /** Throws where the tag is wrong. */
    crypto_aead_xchacha20poly1305_ietf_decrypt(
      plaintext: Uint8Array,
      secretNonce: null,
      ciphertext: Uint8Array,
      additional: Uint8Array | null,
      nonce: Uint8Array,
      key: Uint8Array,
    ): number
  }
  export default sodium
}
