/**
 * A single message that only its recipient can read and only its sender can have made: Noise_K_25519_ChaChaPoly_BLAKE2b
 * (Noise specification, revision 34, 7.4), a one-way pattern.
 *
 *   -> s
 *   <- s        both are known before
 *   ...
 *   -> e, es, ss
 *
 * The recipient's key is one of its prekeys, or the key of its identity. The prologue is authenticated with the message.
 * Somebody may replay the same bytes to the recipient, so the prologue must identify the message.
 */
import { noiseSymmetric, sodium } from './native.ts'
import type { StaticKeys } from './noise.ts'

const KEY_BYTES = 32
/** Bytes that sealing adds: the ephemeral key and the tag. */
export const SEALED_MESSAGE_OVERHEAD = KEY_BYTES + 16

export interface SealMessageOptions {
  readonly prologue: Uint8Array
  readonly sender: StaticKeys
  /** X25519, 32 bytes. */
  readonly recipientPublic: Uint8Array
  /** 32 random bytes, used for nothing else: they become the ephemeral secret key. */
  readonly ephemeralSeed: Uint8Array
  readonly plaintext: Uint8Array
}

/** Seals a message. Undefined if `recipientPublic` is not a valid key for key agreement. */
export function sealMessage(options: SealMessageOptions): Uint8Array | undefined {
  const { prologue, sender, recipientPublic, ephemeralSeed, plaintext } = options
  const ephemeral = { publicKey: new Uint8Array(KEY_BYTES), secretKey: new Uint8Array(ephemeralSeed) }
  sodium.crypto_scalarmult_base(ephemeral.publicKey, ephemeral.secretKey)
  const state = begin(prologue, sender.publicKey, recipientPublic)
  state.mixHash(ephemeral.publicKey)
  try {
    state.mixKey(recipientPublic, ephemeral)
    state.mixKey(recipientPublic, sender)
  } catch {
    return undefined
  } finally {
    sodium.sodium_memzero(ephemeral.secretKey)
  }
  const sealed = new Uint8Array(plaintext.length + SEALED_MESSAGE_OVERHEAD)
  sealed.set(ephemeral.publicKey)
  sealed.set(state.encryptAndHash(plaintext), KEY_BYTES)
  return sealed
}

export interface OpenMessageOptions {
  readonly prologue: Uint8Array
  /** X25519, 32 bytes. */
  readonly senderPublic: Uint8Array
  readonly recipient: StaticKeys
  readonly sealed: Uint8Array
}

/** Opens a message. Undefined if it is not from this sender, for this recipient and prologue. */
export function openMessage(options: OpenMessageOptions): Uint8Array | undefined {
  const { prologue, senderPublic, recipient, sealed } = options
  if (sealed.length < SEALED_MESSAGE_OVERHEAD) return undefined
  const ephemeralPublic = sealed.slice(0, KEY_BYTES)
  const state = begin(prologue, senderPublic, recipient.publicKey)
  state.mixHash(ephemeralPublic)
  try {
    state.mixKey(ephemeralPublic, recipient)
    state.mixKey(senderPublic, recipient)
    return new Uint8Array(state.decryptAndHash(sealed.slice(KEY_BYTES)))
  } catch {
    return undefined
  }
}

function begin(prologue: Uint8Array, senderPublic: Uint8Array, recipientPublic: Uint8Array) {
  const state = noiseSymmetric('Noise_K_25519_ChaChaPoly_BLAKE2b')
  state.mixHash(prologue)
  state.mixHash(senderPublic)
  state.mixHash(recipientPublic)
  return state
}
