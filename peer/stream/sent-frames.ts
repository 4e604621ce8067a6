import { FRAME_HEADER_BYTES, frame, STREAM_FRAME } from './frames.ts'

/** The send buffer of a stream: frames that may have to be retransmitted, and the room left in the window. */
export class SentFrames {
  readonly #window: number
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
    const data = frame(STREAM_FRAME.DATA, this.#position, bytes)
    this.#position += bytes.length
    this.#frames.push(data)
    return data
  }

  /** Reports that the reader took `count` bytes in all. */
  take(count: number): void {
    if (count <= this.#taken || count > this.#position) return
    this.#taken = count
    this.forget(count)
  }

  /** Drops the frames within the first `count` bytes, which have arrived. */
  forget(count: number): void {
    while (this.#frames.length > 0) {
      const length = this.#frames[0]!.length - FRAME_HEADER_BYTES
      if (this.#first + length > count) return
      this.#first += length
      this.#frames.shift()
    }
  }

  /** Iterates over the frames whose arrival is not confirmed. */
  *[Symbol.iterator](): Iterator<Buffer> {
    yield* this.#frames
  }
}
