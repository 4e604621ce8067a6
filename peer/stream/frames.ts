/**
 * What a stream is on the wire. A stream is carried by udx streams on the tunnel's own socket, one after another: when
 * a path dies, what udx had sent over it is lost, for udx repeats a packet only to where it first went. So the side that
 * notices begins another udx stream on the present path, with a STREAM_OPEN that has the key of the first and the name
 * CONTINUE, and both sides go on from what the other has. The same happens if somebody ends or damages the udx stream
 * with a forged packet.
 *
 * On a udx stream, in each direction: 24 bytes of header, then frames of `length u16 · ciphertext`, sealed one after
 * another with libsodium's secretstream, so that none can be changed, left out, repeated or moved. The plaintext:
 *
 *   0x00 DATA       position u48 · bytes: where in the stream they begin
 *   0x01 TAKEN      count u48: the reader took this many bytes in all; the writer may be WINDOW_BYTES ahead of that
 *   0x02 END        position u48: no bytes follow this position
 *   0x03 CONTINUE   count u48: this many bytes have arrived; first on each udx stream but the first, before any other
 *   0x04 RESET      position u48: no bytes follow, and some that the writer meant to send are missing
 *   0x05 STOP       count u48: the reader took this many bytes in all and reads no more
 *   0x06 ASK        number u48: to be answered with HEARD; all frames before it have then arrived, whatever udx says
 *   0x07 HEARD      number u48 of an ASK or a LAST
 *   0x08 LAST       number u48: as ASK, when both directions have finished; only ASK, HEARD and LAST follow
 *
 * Each direction finishes with END or RESET. A side that gets STOP finishes its own direction immediately. When both
 * directions have finished, each side sends LAST. It ends the udx stream when its own LAST was answered and that of the
 * other side has come. An udx stream that ends earlier was ended by a stranger; one whose ASK udx calls acknowledged and
 * nobody answers lost something that a stranger acknowledged. Both are replaced by another.
 *
 * Other kinds are ignored. Bytes of a position that has arrived already are ignored, so an older udx stream replayed
 * into a newer one changes nothing. The key of each direction is BLAKE2b-256 keyed with the key of STREAM_OPEN.
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
/** The name in a STREAM_OPEN that continues a stream. No stream can be named so. */
export const CONTINUE = '\0'
/** A path of 320 Mbit/s at 50 ms, or 160 at 100 ms. */
export const WINDOW_BYTES = 2 << 20
/** Small enough to be decrypted soon after its first byte came, large enough that 26 bytes of overhead vanish. */
export const DATA_BYTES = 16 << 10
/** Kind and position. */
export const FRAME_HEADER_BYTES = 1 + 6

const STATE_BYTES = 52
const HEADER_BYTES = 24
const TAG_BYTES = 17
const LENGTH_BYTES = 2
const MIN_SEALED_BYTES = FRAME_HEADER_BYTES + TAG_BYTES
const MAX_SEALED_BYTES = MIN_SEALED_BYTES + DATA_BYTES
const TAG_MESSAGE = 0

export interface StreamKeys {
  readonly send: Uint8Array
  readonly receive: Uint8Array
}

export function streamKeys(key: Uint8Array, opener: boolean): StreamKeys {
  const opening = hash256(key, 'straightway/stream/opener')
  const accepting = hash256(key, 'straightway/stream/accepter')
  return opener ? { send: opening, receive: accepting } : { send: accepting, receive: opening }
}

/** A frame before it is sealed; `body` is copied. */
export function frame(kind: number, position: number, body?: Uint8Array): Buffer {
  const plaintext = Buffer.allocUnsafe(FRAME_HEADER_BYTES + (body?.length ?? 0))
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

  /** The bytes to send; the first ones begin with the header. */
  seal(plaintext: Uint8Array): Buffer {
    const start = (this.#header?.length ?? 0) + LENGTH_BYTES
    const out = Buffer.allocUnsafe(start + plaintext.length + TAG_BYTES)
    if (this.#header !== undefined) out.set(this.#header)
    this.#header = undefined
    out.writeUInt16BE(plaintext.length + TAG_BYTES, start - LENGTH_BYTES)
    push(this.#state, out.subarray(start), plaintext, null, TAG_MESSAGE)
    return out
  }
}

/** `body` is the receiver's to keep. */
export type TakeFrame = (kind: number, position: number, body: Buffer) => void

/** Cuts what arrives into frames and opens them. */
export class FrameOpener {
  readonly #state = Buffer.alloc(STATE_BYTES)
  readonly #tag = Buffer.alloc(1)
  readonly #key: Uint8Array
  readonly #take: TakeFrame
  #reading: 'header' | 'length' | 'frame' = 'header'
  #wanted = Buffer.alloc(HEADER_BYTES)
  #filled = 0

  constructor(key: Uint8Array, take: TakeFrame) {
    this.#key = key
    this.#take = take
  }

  /** False where the bytes are not what the other side sealed; then the opener is of no more use. */
  push(chunk: Uint8Array): boolean {
    for (let at = 0; at < chunk.length; ) {
      const part = Math.min(this.#wanted.length - this.#filled, chunk.length - at)
      this.#wanted.set(chunk.subarray(at, at + part), this.#filled)
      this.#filled += part
      at += part
      if (this.#filled === this.#wanted.length && !this.#complete()) return false
    }
    return true
  }

  #complete(): boolean {
    const bytes = this.#wanted
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
    this.#wanted = Buffer.allocUnsafe(bytes)
    this.#filled = 0
    return true
  }

  #open(ciphertext: Buffer): boolean {
    const plaintext = Buffer.allocUnsafe(ciphertext.length - TAG_BYTES)
    try {
      pull(this.#state, plaintext, this.#tag, ciphertext, null)
    } catch {
      return false
    }
    this.#take(plaintext[0]!, plaintext.readUIntBE(1, 6), plaintext.subarray(FRAME_HEADER_BYTES))
    return true
  }
}
