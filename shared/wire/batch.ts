import { ADDRESS_WORDS, type Address } from './address.ts'

/**
 * Size of a slot for one datagram. Our own datagrams are at most LIMITS.datagramBytes; a relay carries what its peers
 * send.
 */
export const SLOT_BYTES = 2048

/**
 * Many datagrams in one buffer, with lengths and addresses in typed arrays: the form in which a driver passes datagrams
 * to a machine and receives its output. A full batch grows, so that a machine never has to stop halfway. Slot i holds
 * bytes [i * SLOT_BYTES, + length[i]).
 */
export class Batch {
  bytes: Uint8Array
  view: DataView
  length: Uint16Array
  /** Source or destination of each datagram: ADDRESS_WORDS words per slot. */
  address: Uint32Array
  /** Socket of each datagram: an index into the list of sockets that the machine was given. */
  socket: Uint16Array
  /** TTL of a datagram to be sent; 0 for the system's default. */
  ttl: Uint8Array
  count = 0

  constructor(capacity = 64) {
    this.bytes = new Uint8Array(capacity * SLOT_BYTES)
    this.view = new DataView(this.bytes.buffer)
    this.length = new Uint16Array(capacity)
    this.address = new Uint32Array(capacity * ADDRESS_WORDS)
    this.socket = new Uint16Array(capacity)
    this.ttl = new Uint8Array(capacity)
  }

  get capacity(): number {
    return this.length.length
  }

  clear(): void {
    this.count = 0
  }

  /** Grows until `more` slots are free. */
  reserve(more: number): void {
    while (this.count + more > this.capacity) this.#grow()
  }

  /** Offset of slot i in `bytes`. */
  start(i: number): number {
    return i * SLOT_BYTES
  }

  /** The bytes of datagram i: a view, valid until the batch is cleared or grows. */
  at(i: number): Uint8Array {
    return this.bytes.subarray(i * SLOT_BYTES, i * SLOT_BYTES + this.length[i]!)
  }

  /** Claims the next slot for an address copied from `words`; the caller writes the bytes and sets `length`. */
  claim(words: Uint32Array, wordsAt: number, socket: number, ttl = 0): number {
    if (this.count === this.capacity) this.#grow()
    const i = this.count++
    for (let w = 0; w < ADDRESS_WORDS; w++) this.address[i * ADDRESS_WORDS + w] = words[wordsAt + w]!
    this.socket[i] = socket
    this.ttl[i] = ttl
    this.length[i] = 0
    return i
  }

  /** Appends a whole datagram. */
  push(bytes: Uint8Array, words: Uint32Array, wordsAt = 0, socket = 0, ttl = 0): void {
    const i = this.claim(words, wordsAt, socket, ttl)
    this.bytes.set(bytes, i * SLOT_BYTES)
    this.length[i] = bytes.length
  }

  /** A copy of the source or destination of datagram i. */
  addressOf(i: number): Address {
    return { words: this.address.slice(i * ADDRESS_WORDS, (i + 1) * ADDRESS_WORDS) }
  }

  #grow(): void {
    const capacity = this.capacity * 2
    this.bytes = grown(this.bytes, new Uint8Array(capacity * SLOT_BYTES))
    this.view = new DataView(this.bytes.buffer)
    this.length = grown(this.length, new Uint16Array(capacity))
    this.address = grown(this.address, new Uint32Array(capacity * ADDRESS_WORDS))
    this.socket = grown(this.socket, new Uint16Array(capacity))
    this.ttl = grown(this.ttl, new Uint8Array(capacity))
  }
}

function grown<T extends Uint8Array | Uint16Array | Uint32Array>(from: T, to: T): T {
  to.set(from)
  return to
}
