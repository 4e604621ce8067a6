/**
 * Frames: what a sealed datagram carries (README.md, section 3).
 *
 *   type u8 · bytes16 body, repeated
 *
 * The body of a reliable frame in a session begins with `ref u32`; the session layer puts it there and takes it off, so a
 * codec of a body never sees it.
 */
import { LIMITS } from '../limits.ts'
import { Writer } from './cursor.ts'

export const FRAME_HEADER_BYTES = 3
export const REF_BYTES = 4
/** A SEALED datagram: two bytes of kind, index u32, counter u64 before the frames, and 16 bytes of tag behind them. */
export const SEALED_HEADER_BYTES = 14
export const SEALED_TAG_BYTES = 16
/** The longest body that fits a datagram of its own. */
export const MAX_BODY_BYTES =
  LIMITS.datagramBytes - SEALED_HEADER_BYTES - SEALED_TAG_BYTES - FRAME_HEADER_BYTES - REF_BYTES

/** Walks over frames without copying: `type`, and the body at [start, end). Stops at one that is cut short. */
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

  /** A view. */
  get body(): Uint8Array {
    return this.#bytes.subarray(this.start, this.end)
  }
}

export const sized = (bytes: number): Writer => new Writer(new Uint8Array(bytes))

const encoder = new TextEncoder()

/** Bytes of a text as UTF-8. */
export const utf8Length = (text: string): number => encoder.encode(text).length
