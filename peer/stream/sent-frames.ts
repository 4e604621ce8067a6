import { FRAME_HEADER_BYTES, frame, STREAM_FRAME } from './frames.ts'

/** The writer's side of a stream: what was sent and may have to be sent again, and how much more may be sent now. */
export class SentFrames {
  readonly #window: number
  readonly #frames: Buffer[] = []
  #first = 0
  #position = 0
  #taken = 0

  constructor(window: number) {
    this.#window = window
  }

  /** Bytes sent in all. */
  get position(): number {
    return this.#position
  }

  get room(): number {
    return this.#window - (this.#position - this.#taken)
  }

  /** The frame that carries these bytes, kept until they have arrived. */
  add(bytes: Uint8Array): Buffer {
    const data = frame(STREAM_FRAME.DATA, this.#position, bytes)
    this.#position += bytes.length
    this.#frames.push(data)
    return data
  }

  /** The reader took so many bytes in all. */
  take(count: number): void {
    if (count <= this.#taken || count > this.#position) return
    this.#taken = count
    this.forget(count)
  }

  /** So many bytes have arrived. */
  forget(count: number): void {
    while (this.#frames.length > 0) {
      const length = this.#frames[0]!.length - FRAME_HEADER_BYTES
      if (this.#first + length > count) return
      this.#first += length
      this.#frames.shift()
    }
  }

  /** What has not arrived for certain. */
  *[Symbol.iterator](): Iterator<Buffer> {
    yield* this.#frames
  }
}
