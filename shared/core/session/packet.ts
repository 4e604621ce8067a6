/** Packs frames into as few SEALED datagrams as hold them (wire README, sections 2 and 3), in place in the batch. */
import type { Channel } from '../../crypto/channel.ts'
import { LIMITS } from '../../limits.ts'
import type { Batch } from '../../wire/batch.ts'
import { FRAME_HEADER_BYTES, SEALED_HEADER_BYTES, SEALED_TAG_BYTES } from '../../wire/frames.ts'
import { KIND } from '../../wire/numbers.ts'
import { writeShort } from '../../wire/session.ts'
import type { AddressCredit } from '../address-credit.ts'
import { refBytes } from './outgoing.ts'

const MAX_FRAMES_BYTES = LIMITS.datagramBytes - SEALED_HEADER_BYTES - SEALED_TAG_BYTES

/** The destination of a packet: its address, its session index there, and the channel that seals it. */
export interface Destination {
  readonly channel: Channel
  /** Number of the exchange that the keys of the channel are from, modulo 2^16. */
  readonly generation: number
  readonly remoteIndex: number
  /** The address: five words from `addressAt`. */
  readonly address: Uint32Array
  readonly addressAt: number
  readonly socket: number
}

export class PacketWriter {
  readonly #to: Destination
  readonly #credit: AddressCredit | undefined
  readonly #out: Batch
  readonly #now: number
  #slot = -1
  #length = 0

  /** `credit`: the bytes that the address may still be sent; undefined if the address is validated. */
  constructor(to: Destination, credit: AddressCredit | undefined, out: Batch, now: number) {
    this.#to = to
    this.#credit = credit
    this.#out = out
    this.#now = now
  }

  /** True if the next frame is the first of a datagram. */
  get isEmpty(): boolean {
    return this.#slot < 0
  }

  /** Adds a frame. `ref` is 0 for an unreliable frame. Returns false if the credit of the address does not suffice. */
  add(type: number, ref: number, body: Uint8Array): boolean {
    const length = refBytes(ref) + body.length
    if (this.#length + FRAME_HEADER_BYTES + length > MAX_FRAMES_BYTES) this.end()
    if (!this.#mayGrow(FRAME_HEADER_BYTES + length)) return false
    if (this.#slot < 0) this.#begin()
    const { bytes, view } = this.#out
    let at = this.#out.start(this.#slot) + SEALED_HEADER_BYTES + this.#length
    bytes[at] = type
    view.setUint16(at + 1, length)
    at += FRAME_HEADER_BYTES
    if (ref > 0) view.setUint32(at, ref)
    bytes.set(body, at + refBytes(ref))
    this.#length += FRAME_HEADER_BYTES + length
    return true
  }

  /** Seals the frames added so far, if there are any. */
  end(): void {
    if (this.#slot < 0) return
    const { channel, generation, remoteIndex } = this.#to
    const { bytes, view, length } = this.#out
    const start = this.#out.start(this.#slot)
    const counter = channel.nextCounter(this.#now)
    writeShort(bytes, start, KIND.SEALED, remoteIndex)
    view.setUint16(start + 6, generation)
    view.setUint16(start + 8, Math.floor(counter / 2 ** 32))
    view.setUint32(start + 10, counter >>> 0)
    length[this.#slot] = channel.seal(counter, bytes, start, start + SEALED_HEADER_BYTES, this.#length)
    this.#credit?.spend(length[this.#slot]!)
    this.#slot = -1
    this.#length = 0
  }

  #mayGrow(bytes: number): boolean {
    const packetBytes = SEALED_HEADER_BYTES + this.#length + bytes + SEALED_TAG_BYTES
    return this.#credit === undefined || packetBytes <= this.#credit.bytes
  }

  #begin(): void {
    const { address, addressAt, socket } = this.#to
    this.#slot = this.#out.claim(address, addressAt, socket)
    this.#length = 0
  }
}
