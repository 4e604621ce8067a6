import { DATA_BYTES, FRAME_HEADER_BYTES, frame, STREAM_FRAME } from './frames.ts'
import { WIDEST_BYTES } from './read-window.ts'

const FULL_BYTES = FRAME_HEADER_BYTES + DATA_BYTES
/** Buffers of full frames that are kept for reuse, by all streams of the process: 2 MB. */
const SPARE = 128
/** Frames of at least this length get a buffer for a full frame. */
const LARGE_BYTES = DATA_BYTES / 2

/** Buffers of full frames that nothing refers to. A new one for each frame would keep the garbage collector busy. */
const spare: Buffer[] = []

/** The send buffer of a stream: frames that may have to be retransmitted, and the room left in the window. */
export class SentFrames {
  #window: number
  readonly #frames: Buffer[] = []
  #first = 0
  #position = 0
  #taken = 0

  constructor(window: number) {
    this.#window = window
  }

  /** Total bytes sent. */
  get position(): number {
    return this.#position
  }

  get room(): number {
    return this.#window - (this.#position - this.#taken)
  }

  /** Makes the frame for these bytes and keeps it until they have arrived. */
  add(bytes: Uint8Array): Buffer {
    const isLarge = bytes.length >= LARGE_BYTES
    const into = isLarge ? (spare.pop() ?? Buffer.allocUnsafeSlow(FULL_BYTES)) : undefined
    const data = frame(STREAM_FRAME.DATA, this.#position, bytes, into)
    this.#position += bytes.length
    this.#frames.push(data)
    return data
  }

  /**
   * Reports that the reader took `count` bytes in all, and the window that it grants. It never shrinks, and never exceeds
   * WIDEST_BYTES: a reader that grants more would only make this side keep more.
   */
  take(count: number, window: number): void {
    if (count < this.#taken || count > this.#position) return
    this.#window = Math.max(this.#window, Math.min(window, WIDEST_BYTES))
    this.#taken = count
    this.forget(count)
  }

  /** Drops the frames within the first `count` bytes, which have arrived. */
  forget(count: number): void {
    let gone = 0
    for (; gone < this.#frames.length; gone++) {
      const length = this.#frames[gone]!.length - FRAME_HEADER_BYTES
      if (this.#first + length > count) break
      this.#first += length
      if (length >= LARGE_BYTES && spare.length < SPARE)
        spare.push(Buffer.from(this.#frames[gone]!.buffer, 0, FULL_BYTES))
    }
    this.#frames.splice(0, gone)
  }

  /** Iterates over the frames whose arrival is not confirmed. */
  *[Symbol.iterator](): Iterator<Buffer> {
    yield* this.#frames
  }
}
