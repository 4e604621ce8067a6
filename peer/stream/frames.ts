/**
 * The wire format of a stream. A stream is carried by udx streams on the tunnel's own socket, one after another. udx
 * retransmits a packet only to the address it first sent it to, so everything in flight is lost when a path dies. The
 * side that notices then opens another udx stream on the current path. Its STREAM_OPEN has the key of the first one and
 * the name CONTINUE, and both sides resume at the position that the other one has received. The same happens if
 * somebody ends or damages the udx stream with a forged packet.
 *
 * Each direction of a udx stream has a header of 24 bytes, followed by frames of `length u16 · ciphertext`. The frames
 * are sealed in sequence with libsodium's secretstream, so none can be changed, dropped, repeated or reordered. The
 * plaintext:
 *
 *   0x00 DATA       position u48 · bytes: where in the stream they begin
 *   0x01 TAKEN      count u48 · window u32: the reader took this many bytes in all; the writer may be `window` ahead of that
 *   0x02 END        position u48: no bytes follow this position
 *   0x03 CONTINUE   count u48: this many bytes have arrived; first on each udx stream but the first, before any other
 *   0x04 RESET      position u48: no bytes follow, and some that the writer meant to send are missing
 *   0x05 STOP       count u48: the reader took this many bytes in all and reads no more
 *   0x06 ASK        number u48: to be answered with HEARD; all frames before it have then arrived, whatever udx says
 *   0x07 HEARD      number u48 of an ASK or a LAST
 *   0x08 LAST       number u48: as ASK, when both directions have finished; only ASK, HEARD and LAST follow
 *
 * How a stream finishes:
 *
 * - Each direction finishes with END or RESET. A side that receives STOP finishes its own direction immediately.
 * - When both directions have finished, each side sends LAST.
 * - A side ends the udx stream when its own LAST was answered and it has received the other side's LAST.
 *
 * Two signs show that a third party interfered; in both cases another udx stream replaces this one:
 *
 * - The udx stream ends earlier than that.
 * - udx reports an ASK as acknowledged, but no HEARD arrives: somebody else acknowledged data that was lost.
 *
 * Unknown kinds are ignored. DATA at a position that has already arrived is ignored, so an older udx stream that is
 * replayed into a newer one changes nothing. The key of each direction is BLAKE2b-256, keyed with the key of
 * STREAM_OPEN.
 */
import {
  crypto_secretstream_xchacha20poly1305_init_pull as initPull,
  crypto_secretstream_xchacha20poly1305_init_push as initPush,
  crypto_secretstream_xchacha20poly1305_pull as pull,
  crypto_secretstream_xchacha20poly1305_push as push,
} from 'sodium-native'
import { hash256 } from '../../shared/crypto/hash.ts'

export const STREAM_FRAME = {
  DATA: 0x00,
  TAKEN: 0x01,
  END: 0x02,
  CONTINUE: 0x03,
  RESET: 0x04,
  STOP: 0x05,
  ASK: 0x06,
  HEARD: 0x07,
  LAST: 0x08,
} as const
/** Name in a STREAM_OPEN that continues a stream. Applications cannot use it as a name. */
export const CONTINUE = '\0'
/** The first window. Enough for 320 Mbit/s at a round trip of 50 ms. The reader widens it for a longer path (read-window.ts). */
export const WINDOW_BYTES = 2 << 20
/**
 * Small enough that a frame can be opened soon after its first byte arrived, and large enough that 26 bytes of overhead
 * do not matter.
 */
export const DATA_BYTES = 16 << 10
/** Size of kind and position. */
export const FRAME_HEADER_BYTES = 1 + 6

const STATE_BYTES = 52
const HEADER_BYTES = 24
const TAG_BYTES = 17
const LENGTH_BYTES = 2
const MIN_SEALED_BYTES = FRAME_HEADER_BYTES + TAG_BYTES
const MAX_SEALED_BYTES = MIN_SEALED_BYTES + DATA_BYTES
const TAG_MESSAGE = 0
/** Frames up to this length are copied out of the memory in which they arrived, which is much larger. */
const KEPT_BYTES = 4096

export interface StreamKeys {
  readonly send: Uint8Array
  readonly receive: Uint8Array
}

export function streamKeys(key: Uint8Array, opener: boolean): StreamKeys {
  const opening = hash256(key, 'straightway/stream/opener')
  const accepting = hash256(key, 'straightway/stream/accepter')
  return opener ? { send: opening, receive: accepting } : { send: accepting, receive: opening }
}

/** Encodes the plaintext of a frame. `body` is copied. `into`: memory for it; only the part that is needed is used. */
export function frame(kind: number, position: number, body?: Uint8Array, into?: Buffer): Buffer {
  const length = FRAME_HEADER_BYTES + (body?.length ?? 0)
  const plaintext = into?.subarray(0, length) ?? Buffer.allocUnsafe(length)
  plaintext[0] = kind
  plaintext.writeUIntBE(position, 1, 6)
  if (body !== undefined) plaintext.set(body, FRAME_HEADER_BYTES)
  return plaintext
}

export class FrameSealer {
  readonly #state = Buffer.alloc(STATE_BYTES)
  #header: Buffer | undefined = Buffer.alloc(HEADER_BYTES)

  constructor(key: Uint8Array) {
    initPush(this.#state, this.#header!, key)
  }

  /** Seals frames into the bytes to send. The first call prepends the header. */
  seal(plaintexts: readonly Uint8Array[]): Buffer {
    let at = this.#header?.length ?? 0
    const sealed = plaintexts.reduce((sum, { length }) => sum + LENGTH_BYTES + length + TAG_BYTES, at)
    const out = Buffer.allocUnsafe(sealed)
    if (this.#header !== undefined) out.set(this.#header)
    this.#header = undefined
    for (const plaintext of plaintexts) {
      const end = at + LENGTH_BYTES + plaintext.length + TAG_BYTES
      out.writeUInt16BE(plaintext.length + TAG_BYTES, at)
      push(this.#state, out.subarray(at + LENGTH_BYTES, end), plaintext, null, TAG_MESSAGE)
      at = end
    }
    return out
  }
}

/** Receives an opened frame; it may keep `body`. */
export type TakeFrame = (kind: number, position: number, body: Buffer) => void

/**
 * Splits the received bytes into frames and opens them in place. Only a frame that arrives in several pieces is copied, to
 * put it together, and a small one, so that an application that keeps it does not keep a whole piece.
 */
export class FrameOpener {
  readonly #state = Buffer.alloc(STATE_BYTES)
  readonly #tag = Buffer.alloc(1)
  readonly #key: Uint8Array
  readonly #take: TakeFrame
  #reading: 'header' | 'length' | 'frame' = 'header'
  /** Length of what is being read. */
  #wanted = HEADER_BYTES
  /** The part of it that has arrived in earlier pieces. */
  #partial: Buffer | undefined
  #filled = 0

  constructor(key: Uint8Array, take: TakeFrame) {
    this.#key = key
    this.#take = take
  }

  /**
   * Adds received bytes, and overwrites them. Returns false if they are not what the other side sealed; the opener must not be
   * used after that.
   */
  push(chunk: Buffer): boolean {
    for (let at = 0; at < chunk.length; ) {
      const part = Math.min(this.#wanted - this.#filled, chunk.length - at)
      const piece = chunk.subarray(at, at + part)
      at += part
      const whole = this.#joined(piece)
      if (whole !== undefined && !this.#complete(whole)) return false
    }
    return true
  }

  /** Returns all of what is being read if this piece completes it. */
  #joined(piece: Buffer): Buffer | undefined {
    const isPassedOn = this.#reading === 'frame' && this.#wanted <= KEPT_BYTES
    if (piece.length === this.#wanted && !isPassedOn) return piece
    this.#partial ??= Buffer.allocUnsafe(this.#wanted)
    this.#partial.set(piece, this.#filled)
    this.#filled += piece.length
    if (this.#filled < this.#wanted) return undefined
    const whole = this.#partial
    this.#partial = undefined
    this.#filled = 0
    return whole
  }

  #complete(bytes: Buffer): boolean {
    switch (this.#reading) {
      case 'header':
        initPull(this.#state, bytes, this.#key)
        return this.#expect('length', LENGTH_BYTES)
      case 'length': {
        const length = bytes.readUInt16BE()
        return length >= MIN_SEALED_BYTES && length <= MAX_SEALED_BYTES && this.#expect('frame', length)
      }
      case 'frame':
        return this.#open(bytes) && this.#expect('length', LENGTH_BYTES)
    }
  }

  #expect(reading: 'length' | 'frame', bytes: number): true {
    this.#reading = reading
    this.#wanted = bytes
    return true
  }

  #open(ciphertext: Buffer): boolean {
    const plaintext = ciphertext.subarray(1, 1 + ciphertext.length - TAG_BYTES)
    try {
      pull(this.#state, plaintext, this.#tag, ciphertext, null)
    } catch {
      return false
    }
    this.#take(plaintext[0]!, plaintext.readUIntBE(1, 6), plaintext.subarray(FRAME_HEADER_BYTES))
    return true
  }
}
