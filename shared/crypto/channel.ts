/**
 * The sealed channel between a peer and a node, and between two peers: ChaCha20-Poly1305 (RFC 8439) with the keys of a
 * Noise handshake. The nonce is four zero bytes and the counter as a little-endian u64 (Noise specification, 5.1). All
 * bytes before the ciphertext are additional data.
 *
 * A counter has 48 bits and is never used twice. Its upper part, counter >> 24, is the key epoch. After two minutes of use
 * the sender moves to the next epoch, which has another key. The recipient also keeps the epoch before the newest. Each
 * epoch has its own replay window of 2,048.
 *
 * Most channels of a node are idle and never leave their first epoch. Such a channel is two keys in memory that it shares with
 * others, and the counters it has seen. KeyEpochs are made for the next epoch.
 *
 * Sealing and opening work in place, in a slot of a batch. A datagram that fails to open does not change the channel's
 * state, but its bytes are overwritten. Each datagram allocates only one view, because the binding accepts no offsets.
 */

import { KeyEpochs } from './key-epochs.ts'
import { sodium } from './native.ts'
import { ReplayWindow } from './replay-window.ts'

export const TAG_BYTES = 16
/** Time for which the sender uses one key. */
export const EPOCH_MS = 120_000
/** Number of counters in an epoch. */
export const EPOCH_COUNTERS = 2 ** 24
const MAX_COUNTER = 2 ** 48
const KEY_BYTES = 32
const FEW = 32
/** Memory for the first keys of a channel. */
export const CHANNEL_BYTES = 2 * KEY_BYTES
const TWO_32 = 2 ** 32

/** The two keys of one side, 32 bytes each. The other side has them the other way round. */
export interface ChannelKeys {
  readonly send: Uint8Array
  readonly receive: Uint8Array
}

export class Channel {
  /** The keys of the first epoch from #at on: for sending, then for receiving. */
  readonly #keys: Uint8Array
  readonly #at: number
  /** The keys of all epochs; undefined while only the first one is in use. */
  #sending: KeyEpochs | undefined
  #receiving: KeyEpochs | undefined
  /** Bits of the counters below FEW that were received in the first epoch. Most sessions have no others. */
  #few = 0
  /** All counters received in the first epoch, once one from FEW on was. */
  #window: ReplayWindow | undefined
  #next = 0
  /** The counter that `nextCounter` returned and that is not used yet; -1 if there is none. */
  #claimed = -1
  #epochSince = Number.NEGATIVE_INFINITY
  #greatest = -1

  /** The keys are copied, to CHANNEL_BYTES of `memory` from `at` on. */
  constructor(keys: ChannelKeys, memory = new Uint8Array(CHANNEL_BYTES), at = 0) {
    this.#keys = memory
    this.#at = at
    memory.set(keys.send, at)
    memory.set(keys.receive, at + KEY_BYTES)
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

  /** Erases the keys. The channel cannot be used afterwards. */
  erase(): void {
    this.#sending ??= new KeyEpochs(this.#takeKey(this.#at))
    this.#receiving ??= new KeyEpochs(this.#takeKey(this.#at + KEY_BYTES))
    this.#sending.erase()
    this.#receiving.erase()
  }

  #seal(counter: number, text: Uint8Array, header: Uint8Array): void {
    if (counter !== this.#claimed) throw new RangeError('a counter is used once, as nextCounter gave it')
    this.#claimed = -1
    const key = this.#sendingKey(epochOf(counter))
    writeNonce(counter)
    sodium.crypto_aead_chacha20poly1305_ietf_encrypt_detached(text, tag, text, header, null, nonce, key)
  }

  #open(counter: number, text: Uint8Array, header: Uint8Array): boolean {
    if (!(counter < MAX_COUNTER)) return false
    const number = epochOf(counter)
    if (number > 0)
      this.#receiving ??= new KeyEpochs(
        this.#takeKey(this.#at + KEY_BYTES),
        this.#window ?? this.#fewAsWindow(),
      )
    const opened =
      this.#receiving === undefined
        ? this.#openFirst(counter, text, header)
        : openLater(this.#receiving, counter, text, header)
    if (opened && counter > this.#greatest) this.#greatest = counter
    return opened
  }

  #openFirst(counter: number, text: Uint8Array, header: Uint8Array): boolean {
    const isFew = this.#window === undefined && counter < FEW
    const isFresh = isFew ? ((this.#few >>> counter) & 1) === 0 : (this.#window?.isFresh(counter) ?? true)
    if (!isFresh) return false
    writeNonce(counter)
    if (!decrypts(text, header, this.#copyKey(this.#at + KEY_BYTES))) return false
    if (isFew) this.#few |= 1 << counter
    else {
      this.#window ??= this.#fewAsWindow()
      this.#window.mark(counter)
    }
    return true
  }

  #fewAsWindow(): ReplayWindow {
    return new ReplayWindow(this.#few, this.#greatest)
  }

  #sendingKey(epoch: number): Uint8Array {
    if (epoch > 0) this.#sending ??= new KeyEpochs(this.#takeKey(this.#at))
    if (this.#sending === undefined) return this.#copyKey(this.#at)
    const { key } = this.#sending.at(epoch)!
    this.#sending.advance(epoch)
    return key
  }

  /** A copy of a key that is valid until the next call: memory that the binding has seen costs more. */
  #copyKey(at: number): Uint8Array {
    for (let i = 0; i < KEY_BYTES; i++) firstKey[i] = this.#keys[at + i]!
    return firstKey
  }

  /** A copy of a key, which is erased here. */
  #takeKey(at: number): Uint8Array {
    const key = this.#copyKey(at)
    this.#keys.fill(0, at, at + KEY_BYTES)
    return key
  }
}

function openLater(epochs: KeyEpochs, counter: number, text: Uint8Array, header: Uint8Array): boolean {
  const number = epochOf(counter)
  const epoch = epochs.at(number)
  const within = counter % EPOCH_COUNTERS
  if (epoch === undefined || !epoch.window.isFresh(within)) return false
  writeNonce(counter)
  if (!decrypts(text, header, epoch.key)) return false
  epochs.advance(number)
  epoch.window.mark(within)
  return true
}

const NOTHING = new Uint8Array(0)
const firstKey = new Uint8Array(KEY_BYTES)
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
