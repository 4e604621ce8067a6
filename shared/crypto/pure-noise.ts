/**
 * Noise_IK_25519_ChaChaPoly_BLAKE2b (Noise specification, revision 34, sections 5 and 7.5), for `pure.ts`.
 *
 *   <- s              the initiator knows it
 *   -> e, es, s, ss
 *   <- e, ee, se
 */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { x25519 } from '@noble/curves/ed25519.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { hmac } from '@noble/hashes/hmac.js'
import type { NoiseHandshake, NoiseKeyPair, NoiseSymmetric } from './primitives.ts'

const HASH_BYTES = 64
const KEY_BYTES = 32
const TAG_BYTES = 16
const NONE = new Uint8Array(0)

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** HKDF of section 4.3, with two outputs. */
function derive(chainingKey: Uint8Array, material: Uint8Array): readonly [Uint8Array, Uint8Array] {
  const secret = hmac(blake2b, chainingKey, material)
  const first = hmac(blake2b, secret, Uint8Array.of(1))
  return [first, hmac(blake2b, secret, joined(first, Uint8Array.of(2)))]
}

function nonceOf(counter: number): Uint8Array {
  const nonce = new Uint8Array(12)
  new DataView(nonce.buffer).setUint32(4, counter, true)
  return nonce
}

/** SymmetricState of section 5.2. */
export class PureSymmetric implements NoiseSymmetric {
  hash: Uint8Array = new Uint8Array(HASH_BYTES)
  #chainingKey: Uint8Array
  #key: Uint8Array | undefined
  #counter = 0

  /** The name of the protocol has at most 64 bytes. */
  constructor(protocol: string) {
    this.hash.set(new TextEncoder().encode(protocol))
    this.#chainingKey = this.hash.slice()
  }

  mixHash(data: Uint8Array): void {
    this.hash = blake2b(joined(this.hash, data))
  }

  /** Throws if the other key is of small order. */
  mixKey(remotePublic: Uint8Array, { secretKey }: NoiseKeyPair): void {
    const [chainingKey, key] = derive(this.#chainingKey, x25519.getSharedSecret(secretKey, remotePublic))
    this.#chainingKey = chainingKey
    this.#key = key.subarray(0, KEY_BYTES)
    this.#counter = 0
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const sealed = this.#cipher().encrypt(plaintext)
    this.mixHash(sealed)
    return sealed
  }

  decryptAndHash(sealed: Uint8Array): Uint8Array {
    const plaintext = this.#cipher().decrypt(sealed)
    this.mixHash(sealed)
    return plaintext
  }

  split(): readonly [Uint8Array, Uint8Array] {
    const [first, second] = derive(this.#chainingKey, NONE)
    return [first.slice(0, KEY_BYTES), second.slice(0, KEY_BYTES)]
  }

  #cipher() {
    if (this.#key === undefined) throw new Error('nothing is agreed yet')
    return chacha20poly1305(this.#key, nonceOf(this.#counter++), this.hash)
  }
}

export class PureNoise implements NoiseHandshake {
  e: NoiseKeyPair | null = null
  rs: Uint8Array | null = null
  rx: Uint8Array | null = null
  tx: Uint8Array | null = null
  hash: Uint8Array | null = null
  readonly #isInitiator: boolean
  readonly #self: NoiseKeyPair
  readonly #symmetric = new PureSymmetric('Noise_IK_25519_ChaChaPoly_BLAKE2b')
  #remoteEphemeral: Uint8Array = NONE

  constructor(_pattern: 'IK', isInitiator: boolean, self: NoiseKeyPair) {
    this.#isInitiator = isInitiator
    this.#self = self
  }

  initialise(prologue: Uint8Array, remotePublic?: Uint8Array): void {
    this.#symmetric.mixHash(prologue)
    if (remotePublic !== undefined) this.rs = new Uint8Array(remotePublic)
    this.#symmetric.mixHash(this.#isInitiator ? this.rs! : this.#self.publicKey)
  }

  send(payload: Uint8Array): Uint8Array {
    const { publicKey } = this.#ephemeral()
    this.#symmetric.mixHash(publicKey)
    return this.#isInitiator ? this.#sendFirst(publicKey, payload) : this.#sendSecond(publicKey, payload)
  }

  recv(message: Uint8Array): Uint8Array {
    this.#remoteEphemeral = message.slice(0, KEY_BYTES)
    if (this.#remoteEphemeral.length < KEY_BYTES) throw new Error('the message is too short')
    this.#symmetric.mixHash(this.#remoteEphemeral)
    const rest = message.subarray(KEY_BYTES)
    return this.#isInitiator ? this.#receiveSecond(rest) : this.#receiveFirst(rest)
  }

  #sendFirst(ephemeral: Uint8Array, payload: Uint8Array): Uint8Array {
    this.#symmetric.mixKey(this.rs!, this.#ephemeral())
    const key = this.#symmetric.encryptAndHash(this.#self.publicKey)
    this.#symmetric.mixKey(this.rs!, this.#self)
    return joined(ephemeral, key, this.#symmetric.encryptAndHash(payload))
  }

  #receiveFirst(rest: Uint8Array): Uint8Array {
    this.#symmetric.mixKey(this.#remoteEphemeral, this.#self)
    this.rs = this.#symmetric.decryptAndHash(rest.subarray(0, KEY_BYTES + TAG_BYTES))
    this.#symmetric.mixKey(this.rs, this.#self)
    return this.#symmetric.decryptAndHash(rest.subarray(KEY_BYTES + TAG_BYTES))
  }

  #sendSecond(ephemeral: Uint8Array, payload: Uint8Array): Uint8Array {
    this.#symmetric.mixKey(this.#remoteEphemeral, this.#ephemeral())
    this.#symmetric.mixKey(this.rs!, this.#ephemeral())
    const message = joined(ephemeral, this.#symmetric.encryptAndHash(payload))
    this.#complete()
    return message
  }

  #receiveSecond(rest: Uint8Array): Uint8Array {
    this.#symmetric.mixKey(this.#remoteEphemeral, this.#ephemeral())
    this.#symmetric.mixKey(this.#remoteEphemeral, this.#self)
    const payload = this.#symmetric.decryptAndHash(rest)
    this.#complete()
    return payload
  }

  #ephemeral(): NoiseKeyPair {
    if (this.e === null) throw new Error('there is no ephemeral key')
    return this.e
  }

  #complete(): void {
    const [first, second] = this.#symmetric.split()
    this.tx = this.#isInitiator ? first : second
    this.rx = this.#isInitiator ? second : first
    this.hash = this.#symmetric.hash
  }
}
