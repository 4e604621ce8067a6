/**
 * Datagrams on a stream. If a network drops UDP, the leg to a RELAY is a TLS connection (README.md, section 8).
 *
 *   length u16 · datagram, again and again
 *
 * A length of more than SLOT_BYTES is invalid: nothing that follows on that stream can be understood.
 */
import { SLOT_BYTES } from './batch.ts'

const LENGTH_BYTES = 2

/** A datagram with its length in front, to be written to the stream in one piece. */
export function framed(datagram: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(LENGTH_BYTES + datagram.length)
  bytes[0] = datagram.length >> 8
  bytes[1] = datagram.length
  bytes.set(datagram, LENGTH_BYTES)
  return bytes
}

/** Extracts the datagrams from a stream, however it is divided into chunks. */
export class DatagramReader {
  /** The beginning of a datagram whose rest has not arrived. */
  readonly #begun = new Uint8Array(LENGTH_BYTES + SLOT_BYTES)
  #held = 0

  /**
   * Passes each complete datagram to `take`, as a view that is valid during the call. False if the stream is broken and
   * nothing more can be read from it.
   */
  push(chunk: Uint8Array, take: (datagram: Uint8Array) => void): boolean {
    let at = 0
    while (at < chunk.length) {
      const from = this.#held === 0 ? chunk.subarray(at) : this.#gather(chunk, at)
      const end = endOf(from)
      if (end > this.#begun.length) return false
      if (end > from.length) {
        this.#hold(from)
        at = chunk.length
      } else {
        take(from.subarray(LENGTH_BYTES, end))
        at += end - this.#held
        this.#held = 0
      }
    }
    return true
  }

  /** The held bytes, followed by as much of the chunk as may belong to the same datagram. */
  #gather(chunk: Uint8Array, at: number): Uint8Array {
    const room = this.#begun.length - this.#held
    const more = chunk.subarray(at, at + room)
    this.#begun.set(more, this.#held)
    return this.#begun.subarray(0, this.#held + more.length)
  }

  #hold(bytes: Uint8Array): void {
    this.#begun.set(bytes)
    this.#held = bytes.length
  }
}

/** End of the first datagram in these bytes, or of its length if that is incomplete. */
function endOf(bytes: Uint8Array): number {
  return bytes.length < LENGTH_BYTES ? LENGTH_BYTES : LENGTH_BYTES + (bytes[0]! << 8) + bytes[1]!
}
