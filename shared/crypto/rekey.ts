/**
 * Fresh keys for a running channel. Each side sends the other a new X25519 key inside the channel; both mix what they agree on
 * into a chain that began with the keys of the handshake. So a key that is stolen now opens nothing after the next exchange,
 * unless the thief has changed that exchange too.
 *
 *   root 0      = H(first, label · second)     first: the key with which the side that begins sends; second: the other one
 *   secret n    = H(root n-1, label · n u32 · key of who begins · key of who answers · X25519 of both)
 *   root n      = H(secret n, `root`)          first n = H(secret n, `first`), second n = H(secret n, `second`)
 *
 * H is BLAKE2b-256 with a key (RFC 7693), and label is `straightway/rekey/1`.
 */
import type { ChannelKeys } from './channel.ts'
import { hash256 } from './hash.ts'
import { sodium } from './native.ts'
import type { StaticKeys } from './noise.ts'

const LABEL = 'straightway/rekey/1'

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
  next(own: StaticKeys, remote: Uint8Array): ChannelKeys | undefined {
    const agreed = new Uint8Array(32)
    try {
      sodium.crypto_scalarmult(agreed, own.secretKey, remote)
    } catch {
      return undefined
    }
    const [beginning, answering] = this.begins ? [own.publicKey, remote] : [remote, own.publicKey]
    const secret = hash256(this.#root, LABEL, u32(this.#number + 1), beginning, answering, agreed)
    const [first, second] = [hash256(secret, 'first'), hash256(secret, 'second')]
    const root = hash256(secret, 'root')
    for (const old of [this.#root, secret, agreed, own.secretKey]) sodium.sodium_memzero(old)
    this.#root = root
    this.#number++
    return this.begins ? { send: first, receive: second } : { send: second, receive: first }
  }
}

function isLess(a: Uint8Array, b: Uint8Array): boolean {
  const at = a.findIndex((byte, i) => byte !== b[i])
  return at >= 0 && a[at]! < b[at]!
}

const u32 = (value: number): Uint8Array => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
