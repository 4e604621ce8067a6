/**
 * The sealed channel between a peer and a node, and between two peers: ChaCha20-Poly1305 (RFC 8439) with the keys of a
 * Noise handshake. The nonce is four zero bytes and the counter as a little-endian u64 (Noise specification, 5.1). All
 * bytes before the ciphertext are additional data.
 *
 * A counter has 48 bits and is never used twice. Its upper part, counter >> 24, is the key epoch. After two minutes of use
 * the sender moves to the next epoch, which has another key. The recipient also keeps the epoch before the newest. Each
 * epoch has its own replay window of 2,048.
 *
 * Sealing and opening work in place, in a slot of a batch. A datagram that fails to open does not change the channel's
 * state, but its bytes are overwritten. Each datagram allocates only one view, because the binding accepts no offsets.
 */

import { KeyEpochs } from './key-epochs.ts'
import { sodium } from './native.ts'

export const TAG_BYTES = 16
/** Time for which the sender uses one key. */
export const EPOCH_MS = 120_000
/** Number of counters in an epoch. */
export const EPOCH_COUNTERS = 2 ** 24
const MAX_COUNTER = 2 ** 48
const TWO_32 = 2 ** 32

/** The two keys of one side, 32 bytes each. The other side has them the other way round. */
export interface ChannelKeys {
  readonly send: Uint8Array
  readonly receive: Uint8Array
}

export class Channel {
  readonly #sending: KeyEpochs
  readonly #receiving: KeyEpochs
  #next = 0
  /** The counter that `nextCounter` returned and that is not used yet; -1 if there is none. */
  #claimed = -1
  #epochSince = Number.NEGATIVE_INFINITY
  #greatest = -1

  /** The keys are copied. */
  constructor(keys: ChannelKeys) {
    this.#sending = new KeyEpochs(keys.send)
    this.#receiving = new KeyEpochs(keys.receive)
  }

  /** The greatest counter opened so far; -1 before the first. */
  get greatest(): number {
    return this.#greatest
  }

  /** The counter for one `seal` or `authenticate`, which must be the next call. Throws a RangeError if none is left. */
  nextCounter(now: number): number {
    const inUse = this.#next % EPOCH_COUNTERS !== 0
    if (inUse && now - this.#epochSince >= EPOCH_MS) this.#next = (epochOf(this.#next) + 1) * EPOCH_COUNTERS
    if (this.#next >= MAX_COUNTER) throw new RangeError('the channel has no counter left')
    if (this.#next % EPOCH_COUNTERS === 0) this.#epochSince = now
    this.#claimed = this.#next++
    return this.#claimed
  }

  /**
   * Encrypts bytes [body, body + length) in place and writes the tag after them. Returns the length from `header` to the end
   * of the tag. The header, [header, body), must be complete, because it is authenticated too.
   */
  seal(counter: number, bytes: Uint8Array, header: number, body: number, length: number): number {
    const end = body + length
    const text = bytes.subarray(body, end)
    this.#seal(counter, text, additional(bytes, header, body))
    bytes.set(tag, end)
    return end + TAG_BYTES - header
  }

  /** Authenticates bytes [header, end) without encrypting any; returns the length with the tag, from `header`. */
  authenticate(counter: number, bytes: Uint8Array, header: number, end: number): number {
    this.#seal(counter, NOTHING, bytes.subarray(header, end))
    bytes.set(tag, end)
    return end + TAG_BYTES - header
  }

  /**
   * Decrypts in place a datagram that `seal` made. `length` counts from `header` and includes the tag. Returns the length of
   * the plaintext, which begins at `body`; -1 if the datagram is not authentic, a replay, or too old.
   */
  open(counter: number, bytes: Uint8Array, header: number, body: number, length: number): number {
    const end = header + length - TAG_BYTES
    if (end < body) return -1
    readTag(bytes, end)
    const text = bytes.subarray(body, end)
    return this.#open(counter, text, additional(bytes, header, body)) ? end - body : -1
  }

  /** Checks a datagram that `authenticate` made. True at most once for each datagram. */
  check(counter: number, bytes: Uint8Array, header: number, length: number): boolean {
    const end = header + length - TAG_BYTES
    if (end < header) return false
    readTag(bytes, end)
    return this.#open(counter, NOTHING, bytes.subarray(header, end))
  }

  /** The counter whose low 32 bits are `low`: the one nearest to the next expected counter (RFC 9000, appendix A.3). */
  restore(low: number): number {
    const expected = this.#greatest + 1
    const near = expected - (expected % TWO_32) + low
    if (near <= expected - TWO_32 / 2 && near + TWO_32 < MAX_COUNTER) return near + TWO_32
    if (near > expected + TWO_32 / 2 && near >= TWO_32) return near - TWO_32
    return near
  }

  #seal(counter: number, text: Uint8Array, header: Uint8Array): void {
    if (counter !== this.#claimed) throw new RangeError('a counter is used once, as nextCounter gave it')
    this.#claimed = -1
    const epoch = epochOf(counter)
    const { key } = this.#sending.at(epoch)!
    this.#sending.advance(epoch)
    writeNonce(counter)
    sodium.crypto_aead_chacha20poly1305_ietf_encrypt_detached(text, tag, text, header, null, nonce, key)
  }

  #open(counter: number, text: Uint8Array, header: Uint8Array): boolean {
    if (!(counter < MAX_COUNTER)) return false
    const number = epochOf(counter)
    const epoch = this.#receiving.at(number)
    const within = counter % EPOCH_COUNTERS
    if (epoch === undefined || !epoch.window.isFresh(within)) return false
    writeNonce(counter)
    if (!decrypts(text, header, epoch.key)) return false
    this.#receiving.advance(number)
    epoch.window.mark(within)
    if (counter > this.#greatest) this.#greatest = counter
    return true
  }
}

const NOTHING = new Uint8Array(0)
const nonce = new Uint8Array(12)
const nonceView = new DataView(nonce.buffer)
const tag = new Uint8Array(TAG_BYTES)
/** A buffer for each header length, into which header bytes are copied, so that no view is allocated. */
const headers: Uint8Array[] = Array.from({ length: 32 }, (_, length) => new Uint8Array(length))

const epochOf = (counter: number): number => Math.floor(counter / EPOCH_COUNTERS)

function writeNonce(counter: number): void {
  nonceView.setUint32(4, counter >>> 0, true)
  nonceView.setUint32(8, Math.floor(counter / TWO_32), true)
}

function readTag(bytes: Uint8Array, at: number): void {
  for (let i = 0; i < TAG_BYTES; i++) tag[i] = bytes[at + i]!
}

function additional(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const header = headers[to - from]
  if (header === undefined) return bytes.subarray(from, to)
  for (let i = 0; i < header.length; i++) header[i] = bytes[from + i]!
  return header
}

function decrypts(text: Uint8Array, header: Uint8Array, key: Uint8Array): boolean {
  try {
    sodium.crypto_aead_chacha20poly1305_ietf_decrypt_detached(text, null, text, tag, header, nonce, key)
    return true
  } catch {
    return false
  }
}
