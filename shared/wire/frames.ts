/**
 * Frames: the contents of a sealed datagram (README.md, section 3).
 *
 *   type u8 · bytes16 body, repeated
 *
 * In a session, the body of a reliable frame begins with `ref u32`. The session layer adds and removes it, so a codec
 * of a body never sees it.
 */
import { LIMITS } from '../limits.ts'
import { Writer } from './cursor.ts'

export const FRAME_HEADER_BYTES = 3
export const REF_BYTES = 4
/** Header of a SEALED datagram: two bytes of kind, index u32 and counter u64. The frames follow, and 16 bytes of tag. */
export const SEALED_HEADER_BYTES = 14
export const SEALED_TAG_BYTES = 16
/** The longest body that fits into one datagram. */
export const MAX_BODY_BYTES =
  LIMITS.datagramBytes - SEALED_HEADER_BYTES - SEALED_TAG_BYTES - FRAME_HEADER_BYTES - REF_BYTES

/** Iterates over frames without copying: `type`, and the body at [start, end). Stops at a truncated frame. */
export class FrameReader {
  type = 0
  start: number
  end: number
  readonly #bytes: Uint8Array
  readonly #limit: number

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes
    this.start = start
    this.end = start
    this.#limit = end
  }

  next(): boolean {
    const at = this.end
    if (at + FRAME_HEADER_BYTES > this.#limit) return false
    const start = at + FRAME_HEADER_BYTES
    const end = start + (this.#bytes[at + 1]! << 8) + this.#bytes[at + 2]!
    if (end > this.#limit) return false
    this.type = this.#bytes[at]!
    this.start = start
    this.end = end
    return true
  }

  /** The body as a view. */
  get body(): Uint8Array {
    return this.#bytes.subarray(this.start, this.end)
  }
}

export const sized = (bytes: number): Writer => new Writer(new Uint8Array(bytes))

const encoder = new TextEncoder()

/** Length of a text in UTF-8, in bytes. */
export const utf8Length = (text: string): number => encoder.encode(text).length
