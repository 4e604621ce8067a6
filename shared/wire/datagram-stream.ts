/**
 * Datagrams on a stream: where a network drops UDP, a leg to a RELAY is a TLS connection (README.md, section 8).
 *
 *   length u16 · datagram, again and again
 *
 * A length of more than SLOT_BYTES is none of ours: whoever sends it is not understood any more.
 */
import { SLOT_BYTES } from './batch.ts'

const LENGTH_BYTES = 2

/** A datagram with its length before it, to be written to the stream whole. */
export function framed(datagram: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(LENGTH_BYTES + datagram.length)
  bytes[0] = datagram.length >> 8
  bytes[1] = datagram.length
  bytes.set(datagram, LENGTH_BYTES)
  return bytes
}

/** Takes the datagrams out of a stream, however it was cut into chunks. */
export class DatagramReader {
  /** The beginning of a datagram of which the rest has not come. */
  readonly #begun = new Uint8Array(LENGTH_BYTES + SLOT_BYTES)
  #held = 0

  /** False: the stream is broken, and nothing more can be read from it. `take` gets a view that is valid while it runs. */
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

  /** What was held, with as much of the chunk behind it as could belong to it. */
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

/** Where the first datagram of these bytes ends, as far as they say. */
function endOf(bytes: Uint8Array): number {
  return bytes.length < LENGTH_BYTES ? LENGTH_BYTES : LENGTH_BYTES + (bytes[0]! << 8) + bytes[1]!
}
