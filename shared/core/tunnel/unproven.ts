/**
 * The last datagrams sent on the path in use that no later probe has proven to have arrived. When the path falls silent
 * they are sent again on another path. They keep their counters, so the receiver drops those that it already has.
 * Datagrams beyond CAPACITY are given up, as on any datagram path.
 */
import type { Batch } from '../../wire/batch.ts'
import { Queue } from '../session/queue.ts'
import type { Destination } from './packets.ts'

/** Holds 1.5 s of data, after which a path is dead, at 700 kbit/s. */
const CAPACITY = 128 * 1024
/** First size of the memory, which doubles when it is full. An idle tunnel has none. */
const FIRST_CAPACITY = 4096
const NOTHING = new Uint8Array(0)

interface Sent {
  readonly at: number
  readonly length: number
  readonly sentAt: number
  /** True if it was sent over the spare path too. */
  isSpared: boolean
}

export class Unproven {
  #bytes = NOTHING
  /** Oldest first. */
  readonly #sent = new Queue<Sent>()
  #end = 0

  /** Keeps packet `slot`. `isSpared`: it was sent over the spare path too. */
  keep(out: Batch, slot: number, now: number, isSpared: boolean): void {
    const [start, length] = [out.start(slot), out.length[slot]!]
    const at = this.#makeRoom(length)
    this.#bytes.set(out.bytes.subarray(start, start + length), at)
    this.#sent.put({ at, length, sentAt: now, isSpared })
  }

  /** A probe sent at `sentAt` was answered: packets sent before it have arrived or are lost. */
  proven(sentAt: number): void {
    for (let oldest = this.#sent.peek(); oldest !== undefined && oldest.sentAt < sentAt; ) {
      this.#sent.take()
      oldest = this.#sent.peek()
    }
    if (this.#sent.size === 0) this.#clear()
  }

  /** Size of the memory in bytes. */
  get memory(): number {
    return this.#bytes.length
  }

  /** Sends all kept packets to `to` and forgets them. */
  sendTo(to: Destination, out: Batch): void {
    for (let sent = this.#sent.take(); sent !== undefined; sent = this.#sent.take()) this.#send(sent, to, out)
    this.#clear()
  }

  /**
   * Sends the kept packets that have not gone over the spare path yet to it, and goes on keeping all. If a NAT gave the other
   * side another address, the relay may not know it yet and lose them too.
   */
  spareTo(to: Destination, out: Batch): void {
    for (let left = this.#sent.size; left > 0; left--) {
      const sent = this.#sent.take()!
      if (!sent.isSpared) this.#send(sent, to, out)
      sent.isSpared = true
      this.#sent.put(sent)
    }
  }

  #send({ at, length }: Sent, to: Destination, out: Batch): void {
    const slot = out.claim(to.words, 0, to.socket)
    out.bytes.set(this.#bytes.subarray(at, at + length), out.start(slot))
    out.length[slot] = length
  }

  #clear(): void {
    this.#bytes = NOTHING
    this.#end = 0
  }

  /** Makes contiguous room by dropping the oldest; a packet that does not fit before the end goes to the beginning. */
  #makeRoom(length: number): number {
    if (this.#end + length > CAPACITY) {
      this.#forget(this.#end, CAPACITY)
      this.#end = 0
    }
    const at = this.#end
    this.#end += length
    this.#grow()
    this.#forget(at, this.#end)
    return at
  }

  #grow(): void {
    let size = Math.max(this.#bytes.length, FIRST_CAPACITY)
    while (size < this.#end) size *= 2
    if (size === this.#bytes.length) return
    const bytes = new Uint8Array(size)
    bytes.set(this.#bytes)
    this.#bytes = bytes
  }

  /** Drops the oldest packets that lie between these two offsets. */
  #forget(from: number, to: number): void {
    for (let oldest = this.#sent.peek(); oldest !== undefined; oldest = this.#sent.peek()) {
      if (oldest.at >= to || oldest.at + oldest.length <= from) return
      this.#sent.take()
    }
  }
}
