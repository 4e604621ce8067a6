/**
 * The cryptography of `native.ts` in JavaScript (noble), for platforms that cannot load native modules. It produces the same
 * bytes, more slowly, and cannot guarantee that secrets are erased from memory.
 */
import { chacha20orig, chacha20poly1305, xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { blake2b } from '@noble/hashes/blake2.js'
import type { NoiseHandshakes, NoiseSymmetrics, Sodium } from './primitives.ts'
import { PureNoise, PureSymmetric } from './pure-noise.ts'

export { mlKem } from './pure-ml-kem.ts'

const NONE = new Uint8Array(0)
const TAG_BYTES = 16

export const NoiseState: NoiseHandshakes = PureNoise
export const noiseSymmetric: NoiseSymmetrics = (protocol) => new PureSymmetric(protocol)

export const sodium: Sodium = {
  sodium_memzero: (bytes) => void bytes.fill(0),
  sodium_memcmp(a, b) {
    if (a.length !== b.length) throw new Error('lengths differ')
    let difference = 0
    for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!
    return difference === 0
  },
  crypto_generichash_batch(out, inputs, key) {
    const hash = blake2b.create({ dkLen: out.length, ...(key && { key }) })
    for (const input of inputs) hash.update(input)
    out.set(hash.digest())
  },
  crypto_stream_chacha20: (out, nonce, key) =>
    void out.set(chacha20orig(key, nonce, new Uint8Array(out.length))),
  crypto_scalarmult_base: (publicKey, secretKey) => publicKey.set(x25519.getPublicKey(secretKey)),
  crypto_scalarmult: (agreed, secretKey, publicKey) =>
    agreed.set(x25519.getSharedSecret(secretKey, publicKey)),
  crypto_sign_seed_keypair(publicKey, secretKey, seed) {
    publicKey.set(ed25519.getPublicKey(seed))
    secretKey.set(seed)
    secretKey.set(publicKey, 32)
  },
  crypto_sign_detached: (signature, message, secretKey) =>
    signature.set(ed25519.sign(message, secretKey.subarray(0, 32))),
  crypto_sign_verify_detached(signature, message, publicKey) {
    try {
      return ed25519.verify(signature, message, publicKey, { zip215: false })
    } catch {
      return false
    }
  },
  crypto_sign_ed25519_pk_to_curve25519(staticPublic, publicKey) {
    const point = ed25519.Point.fromBytes(publicKey)
    if (point.isSmallOrder() || !point.isTorsionFree()) throw new Error('not a key to agree with')
    staticPublic.set(ed25519.utils.toMontgomery(publicKey))
  },
  crypto_sign_ed25519_sk_to_curve25519: (staticSecret, secretKey) =>
    staticSecret.set(ed25519.utils.toMontgomerySecret(secretKey.subarray(0, 32))),
  crypto_aead_chacha20poly1305_ietf_encrypt_detached(ciphertext, tag, plaintext, additional, _, nonce, key) {
    const sealed = chacha20poly1305(key, nonce, additional ?? NONE).encrypt(plaintext)
    ciphertext.set(sealed.subarray(0, plaintext.length))
    tag.set(sealed.subarray(plaintext.length))
    return TAG_BYTES
  },
  crypto_aead_chacha20poly1305_ietf_decrypt_detached(plaintext, _, ciphertext, tag, additional, nonce, key) {
    const sealed = new Uint8Array(ciphertext.length + TAG_BYTES)
    sealed.set(ciphertext)
    sealed.set(tag, ciphertext.length)
    try {
      plaintext.set(chacha20poly1305(key, nonce, additional ?? NONE).decrypt(sealed))
    } catch (error) {
      plaintext.fill(0)
      throw error
    }
  },
  crypto_aead_xchacha20poly1305_ietf_encrypt(ciphertext, plaintext, additional, _, nonce, key) {
    ciphertext.set(xchacha20poly1305(key, nonce, additional ?? NONE).encrypt(plaintext))
    return plaintext.length + TAG_BYTES
  },
  crypto_aead_xchacha20poly1305_ietf_decrypt(plaintext, _, ciphertext, additional, nonce, key) {
    plaintext.set(xchacha20poly1305(key, nonce, additional ?? NONE).decrypt(ciphertext))
    return ciphertext.length - TAG_BYTES
  },
}
