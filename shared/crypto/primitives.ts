/**
 * The primitives of this folder, with the names and the behaviour of libsodium: they throw if a length, a tag or a key is
 * wrong. `native.ts` is libsodium; `pure.ts` implements the same in JavaScript, for browsers.
 */
export interface Sodium {
  sodium_memzero(bytes: Uint8Array): void
  sodium_memcmp(a: Uint8Array, b: Uint8Array): boolean
  crypto_generichash_batch(out: Uint8Array, inputs: readonly Uint8Array[], key?: Uint8Array): void
  crypto_stream_chacha20(out: Uint8Array, nonce: Uint8Array, key: Uint8Array): void
  crypto_scalarmult_base(publicKey: Uint8Array, secretKey: Uint8Array): void
  /** X25519. Throws if the result is zero. */
  crypto_scalarmult(agreed: Uint8Array, secretKey: Uint8Array, publicKey: Uint8Array): void
  crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
  crypto_sign_ed25519_pk_to_curve25519(staticPublic: Uint8Array, publicKey: Uint8Array): void
  crypto_sign_ed25519_sk_to_curve25519(staticSecret: Uint8Array, secretKey: Uint8Array): void
  /** Encrypts. `ciphertext` and `plaintext` may share memory. */
  crypto_aead_chacha20poly1305_ietf_encrypt_detached(
    ciphertext: Uint8Array,
    tag: Uint8Array,
    plaintext: Uint8Array,
    additional: Uint8Array | null,
    secretNonce: null,
    nonce: Uint8Array,
    key: Uint8Array,
  ): number
  /** Decrypts. Throws if the tag is wrong; the content of `plaintext` is undefined then. */
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
  crypto_aead_xchacha20poly1305_ietf_decrypt(
    plaintext: Uint8Array,
    secretNonce: null,
    ciphertext: Uint8Array,
    additional: Uint8Array | null,
    nonce: Uint8Array,
    key: Uint8Array,
  ): number
}

/** ML-KEM-768 (FIPS 203). Keys have 1,184 bytes, ciphertexts 1,088, secrets 32. */
export interface MlKem {
  /** The key pair of a seed of 64 bytes. */
  generate(seed: Uint8Array): MlKemPair
  /** Agrees on a secret with the owner of a public key. Throws if the key is not valid. `seed`: 32 bytes, which a library may replace by its own. */
  encapsulate(
    publicKey: Uint8Array,
    seed: Uint8Array,
  ): { readonly secret: Uint8Array; readonly ciphertext: Uint8Array }
}

export interface MlKemPair {
  readonly publicKey: Uint8Array
  /** The secret of a ciphertext. That of a forged one is another secret; throws if the length is wrong. */
  decapsulate(ciphertext: Uint8Array): Uint8Array
}

export interface NoiseKeyPair {
  publicKey: Uint8Array
  secretKey: Uint8Array
}

/** One side of a Noise_IK_25519_ChaChaPoly_BLAKE2b handshake. */
export interface NoiseHandshake {
  /** The ephemeral key pair. Set it before `send`. */
  e: NoiseKeyPair | null
  /** The static key of the other side, once known. */
  rs: Uint8Array | null
  /** The receiving key, once the handshake is complete. */
  rx: Uint8Array | null
  /** The sending key, once the handshake is complete. */
  tx: Uint8Array | null
  /** The hash of the handshake, once it is complete. */
  hash: Uint8Array | null
  initialise(prologue: Uint8Array, remotePublic?: Uint8Array): void
  send(payload: Uint8Array): Uint8Array
  /** Reads a message. Throws on a bad message; the object is unusable then. May change the message's bytes. */
  recv(message: Uint8Array): Uint8Array
}

export type NoiseHandshakes = new (pattern: 'IK', initiator: boolean, self: NoiseKeyPair) => NoiseHandshake

/**
 * SymmetricState of the Noise specification (5.2) with its key agreement. `sealed-message.ts` builds a pattern from it that
 * the library does not offer. `mixKey` throws on a key of small order, `decryptAndHash` on a bad tag.
 */
export interface NoiseSymmetric {
  mixHash(data: Uint8Array): void
  mixKey(remotePublic: Uint8Array, self: NoiseKeyPair): void
  encryptAndHash(plaintext: Uint8Array): Uint8Array
  decryptAndHash(ciphertext: Uint8Array): Uint8Array
}

/** Creates a NoiseSymmetric. `protocol`: its name, at most 64 bytes. */
export type NoiseSymmetrics = (protocol: string) => NoiseSymmetric
