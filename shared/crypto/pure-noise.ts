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
import type { NoiseHandshake, NoiseKeyPair } from './primitives.ts'

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
class Symmetric {
  hash: Uint8Array = new Uint8Array(HASH_BYTES)
  #chainingKey: Uint8Array
  #key: Uint8Array | undefined
  #counter = 0

  constructor() {
    this.hash.set(new TextEncoder().encode('Noise_IK_25519_ChaChaPoly_BLAKE2b'))
    this.#chainingKey = this.hash.slice()
  }

  mixHash(data: Uint8Array): void {
    this.hash = blake2b(joined(this.hash, data))
  }

  mixKey(material: Uint8Array): void {
    const [chainingKey, key] = derive(this.#chainingKey, material)
    this.#chainingKey = chainingKey
    this.#key = key.subarray(0, KEY_BYTES)
    this.#counter = 0
  }

  seal(plaintext: Uint8Array): Uint8Array {
    const sealed = this.#cipher().encrypt(plaintext)
    this.mixHash(sealed)
    return sealed
  }

  open(sealed: Uint8Array): Uint8Array {
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
  readonly #symmetric = new Symmetric()
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
    this.#agree(this.#ephemeral(), this.rs!)
    const key = this.#symmetric.seal(this.#self.publicKey)
    this.#agree(this.#self, this.rs!)
    return joined(ephemeral, key, this.#symmetric.seal(payload))
  }

  #receiveFirst(rest: Uint8Array): Uint8Array {
    this.#agree(this.#self, this.#remoteEphemeral)
    this.rs = this.#symmetric.open(rest.subarray(0, KEY_BYTES + TAG_BYTES))
    this.#agree(this.#self, this.rs)
    return this.#symmetric.open(rest.subarray(KEY_BYTES + TAG_BYTES))
  }

  #sendSecond(ephemeral: Uint8Array, payload: Uint8Array): Uint8Array {
    this.#agree(this.#ephemeral(), this.#remoteEphemeral)
    this.#agree(this.#ephemeral(), this.rs!)
    const message = joined(ephemeral, this.#symmetric.seal(payload))
    this.#complete()
    return message
  }

  #receiveSecond(rest: Uint8Array): Uint8Array {
    this.#agree(this.#ephemeral(), this.#remoteEphemeral)
    this.#agree(this.#self, this.#remoteEphemeral)
    const payload = this.#symmetric.open(rest)
    this.#complete()
    return payload
  }

  /** Throws if the other key is of small order. */
  #agree({ secretKey }: NoiseKeyPair, remote: Uint8Array): void {
    this.#symmetric.mixKey(x25519.getSharedSecret(secretKey, remote))
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
