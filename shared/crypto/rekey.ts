/**
 * Fresh keys for a running channel. Each side sends the other a new X25519 key inside the channel; both mix what they agree on
 * into a chain that began with the keys of the handshake. So a key that is stolen now opens nothing after the next exchange,
 * unless the thief has changed that exchange too.
 *
 *   root 0      = H(first, label · second)     first: the key with which the side that begins sends; second: the other one
 *   secret n    = H(root n-1, label · n u32 · key of who begins · key of who answers · X25519 of both [· hybrid])
 *   root n      = H(secret n, `root`)          first n = H(secret n, `first`), second n = H(secret n, `second`)
 *   hybrid      = ML-KEM-768 secret 32 · ML-KEM-768 key 1184 of who begins · ciphertext 1088 of who answers
 *
 * H is BLAKE2b-256 with a key (RFC 7693), and label is `straightway/rekey/1`. An exchange with `hybrid` keeps this chain secret
 * from somebody who can break X25519 but not ML-KEM (FIPS 203), and from somebody who can break ML-KEM but not X25519.
 */
import type { ChannelKeys } from './channel.ts'
import { hash256 } from './hash.ts'
import { mlKem, sodium } from './native.ts'
import type { StaticKeys } from './noise.ts'
import type { MlKemPair } from './primitives.ts'

const LABEL = 'straightway/rekey/1'
const SESSION_LABEL = 'straightway/session-rekey/1'
export const KEM_KEY_BYTES = 1184
export const KEM_CIPHERTEXT_BYTES = 1088
const KEM_SEED_BYTES = 64
const NONE = new Uint8Array(0)

/** True if this platform has ML-KEM-768. */
export const canMix = mlKem !== undefined

/** The ML-KEM part of an exchange, as both sides know it. */
export interface KemSecret {
  /** 32 bytes; `next` erases it. */
  readonly secret: Uint8Array
  readonly publicKey: Uint8Array
  readonly ciphertext: Uint8Array
}

/**
 * The keys of a session after exchange `number`: H(agreed, `straightway/session-rekey/1` · n u32 · key of who begins · key of who
 * answers), and from that as above `first` and `second`. There is no chain: a node would have to keep its root for each of a
 * million sessions. Undefined if `remote` is no key to agree with. Erases the secret key of `own`.
 */
export function sessionKeys(
  own: StaticKeys,
  remote: Uint8Array,
  number: number,
  begins: boolean,
): ChannelKeys | undefined {
  const agreed = agree(own, remote)
  if (agreed === undefined) return undefined
  const keys = begins ? [own.publicKey, remote] : [remote, own.publicKey]
  const secret = hash256(agreed, SESSION_LABEL, u32(number), ...keys)
  const [first, second] = [hash256(secret, 'first'), hash256(secret, 'second')]
  for (const old of [secret, agreed, own.secretKey]) sodium.sodium_memzero(old)
  return begins ? { send: first, receive: second } : { send: second, receive: first }
}

/** One of two sides. The side with the lesser sending key begins each exchange, so that two never cross. */
export class KeyChain {
  readonly begins: boolean
  #root: Uint8Array
  #number = 0

  constructor({ send, receive }: ChannelKeys) {
    this.begins = isLess(send, receive)
    const [first, second] = this.begins ? [send, receive] : [receive, send]
    this.#root = hash256(first, LABEL, second)
  }

  /** Number of exchanges so far. */
  get number(): number {
    return this.#number
  }

  /** The keys after another exchange, whose number becomes `number`. Undefined if `remote` is no key to agree with. */
  next(own: StaticKeys, remote: Uint8Array, kem?: KemSecret): ChannelKeys | undefined {
    const agreed = agree(own, remote)
    if (agreed === undefined) return undefined
    const keys = this.begins ? [own.publicKey, remote] : [remote, own.publicKey]
    const hybrid = kem === undefined ? [NONE] : [kem.secret, kem.publicKey, kem.ciphertext]
    const secret = hash256(this.#root, LABEL, u32(this.#number + 1), ...keys, agreed, ...hybrid)
    const [first, second] = [hash256(secret, 'first'), hash256(secret, 'second')]
    const root = hash256(secret, 'root')
    for (const old of [this.#root, secret, agreed, own.secretKey]) sodium.sodium_memzero(old)
    if (kem !== undefined) sodium.sodium_memzero(kem.secret)
    this.#root = root
    this.#number++
    return this.begins ? { send: first, receive: second } : { send: second, receive: first }
  }
}

/** The ML-KEM key pair of the side that begins. `seed`: 64 random bytes, which are erased. Undefined without ML-KEM. */
export function kemPair(seed: Uint8Array): MlKemPair | undefined {
  if (seed.length !== KEM_SEED_BYTES) throw new RangeError(`a seed of ML-KEM has ${KEM_SEED_BYTES} bytes`)
  const pair = mlKem?.generate(seed)
  sodium.sodium_memzero(seed)
  return pair
}

/** Reads the answer to the key of a pair. Undefined if it is malformed. */
export function openKem(pair: MlKemPair, ciphertext: Uint8Array): KemSecret | undefined {
  if (ciphertext.length !== KEM_CIPHERTEXT_BYTES) return undefined
  return { secret: pair.decapsulate(ciphertext), publicKey: pair.publicKey, ciphertext }
}

/** Answers an ML-KEM key. `seed`: 32 random bytes. Undefined if the key is not valid, or without ML-KEM. */
export function answerKem(publicKey: Uint8Array, seed: Uint8Array): KemSecret | undefined {
  if (publicKey.length !== KEM_KEY_BYTES) return undefined
  try {
    const answered = mlKem?.encapsulate(publicKey, seed)
    return answered && { ...answered, publicKey }
  } catch {
    return undefined
  }
}

function agree({ secretKey }: StaticKeys, remote: Uint8Array): Uint8Array | undefined {
  const agreed = new Uint8Array(32)
  try {
    sodium.crypto_scalarmult(agreed, secretKey, remote)
    return agreed
  } catch {
    return undefined
  }
}

function isLess(a: Uint8Array, b: Uint8Array): boolean {
  const at = a.findIndex((byte, i) => byte !== b[i])
  return at >= 0 && a[at]! < b[at]!
}

const u32 = (value: number): Uint8Array => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
