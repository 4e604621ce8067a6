/**
 * The last datagrams that left on the path in use and that no later probe has proven to have arrived: when the path falls
 * silent they leave once more, another way. The same packets with the same counters, so those that did arrive open once.
 * What is longer ago than CAPACITY holds is given up, as on any datagram path.
 */
import type { Batch } from '../../wire/batch.ts'
import { Queue } from '../session/queue.ts'
import type { Destination } from './packets.ts'

/** The second and a half after which a path is dead, at 700 kbit/s. Taken when the first datagram leaves. */
const CAPACITY = 128 * 1024

interface Sent {
  readonly at: number
  readonly length: number
  readonly sentAt: number
}

export class Unproven {
  #bytes: Uint8Array | undefined
  /** Oldest first. */
  readonly #sent = new Queue<Sent>()
  #end = 0

  /** Packet `slot` has left on the path in use, and nowhere else. */
  keep(out: Batch, slot: number, now: number): void {
    this.#bytes ??= new Uint8Array(CAPACITY)
    const [start, length] = [out.start(slot), out.length[slot]!]
    const at = this.#makeRoom(length)
    this.#bytes.set(out.bytes.subarray(start, start + length), at)
    this.#sent.put({ at, length, sentAt: now })
  }

  /** A probe that left then has been answered: what left before it has had its chance. */
  proven(sentAt: number): void {
    for (let oldest = this.#sent.peek(); oldest !== undefined && oldest.sentAt < sentAt; ) {
      this.#sent.take()
      oldest = this.#sent.peek()
    }
  }

  /** All of it leaves again, there; then nothing is kept. */
  sendTo(to: Destination, out: Batch): void {
    for (let sent = this.#sent.take(); sent !== undefined; sent = this.#sent.take()) {
      const slot = out.claim(to.words, 0, to.socket)
      out.bytes.set(this.#bytes!.subarray(sent.at, sent.at + sent.length), out.start(slot))
      out.length[slot] = sent.length
    }
  }

  /** In one piece, where the oldest are; a packet that does not fit before the end goes to the beginning. */
  #makeRoom(length: number): number {
    if (this.#end + length > CAPACITY) {
      this.#forget(this.#end, CAPACITY)
      this.#end = 0
    }
    const at = this.#end
    this.#end += length
    this.#forget(at, this.#end)
    return at
  }

  /** The oldest, as long as they lie between these two. */
  #forget(from: number, to: number): void {
    for (let oldest = this.#sent.peek(); oldest !== undefined; oldest = this.#sent.peek()) {
      if (oldest.at >= to || oldest.at + oldest.length <= from) return
      this.#sent.take()
    }
  }
}
