/** Seals and opens the packets of one tunnel (shared/wire/README.md, section 6), in place in the slots of batches. */
import { Channel, type ChannelKeys } from '../../crypto/channel.ts'
import { type Batch, SLOT_BYTES } from '../../wire/batch.ts'
import { Writer } from '../../wire/cursor.ts'
import { KEY_PHASE, TUNNEL } from '../../wire/numbers.ts'
import {
  type Control,
  PACKET_HEADER_BYTES,
  PACKET_OVERHEAD_BYTES,
  readControls,
  typeOf,
  writeControl,
} from '../../wire/tunnel.ts'

export interface Destination {
  readonly words: Uint32Array
  readonly socket: number
}

export class Packets {
  /**
   * Offset of the plaintext of the packet opened last. `bodyLength`: its length. `newest`: no later packet was opened
   * before. Until the other side seals with renewed keys, that is a packet with the old ones.
   */
  bodyAt = 0
  bodyLength = 0
  newest = false
  /** Data was sent or opened since the keys were renewed. */
  used = false
  /** Seals, and opens what comes in its phase. */
  #channel!: Channel
  /** Renewed keys that the other side has, until a packet with them arrives. */
  #next: Channel | undefined
  /** The keys before the present ones, for packets on their way. */
  #previous: Channel | undefined
  /** The other side seals with the present keys. */
  #confirmed = true
  #renewals = 0
  /** 0 or KEY_PHASE: changes with the keys, and is in the first byte of each packet. */
  #phase = 0
  #clear = false
  #agreed = false

  /** Without keys, nothing can be opened or sent until `agree`. */
  constructor(keys?: ChannelKeys, clear = false) {
    if (keys !== undefined) this.agree(keys, clear)
  }

  get agreed(): boolean {
    return this.#agreed
  }

  /** `clear`: both sides asked that datagrams be authenticated but not encrypted. */
  agree(keys: ChannelKeys, clear: boolean): void {
    this.#channel = new Channel(keys)
    this.#clear = clear
    this.#agreed = true
  }

  /** Number of times that the present keys were replaced. */
  get renewals(): number {
    return this.#renewals
  }

  /** True if there are no other keys than the present ones. */
  get settled(): boolean {
    return this.#next === undefined && this.#previous === undefined
  }

  /** True if there are old keys that the other side does not use any more. */
  get outdated(): boolean {
    return this.#previous !== undefined && this.#confirmed
  }

  /** Seals with these keys from now on: the other side has them. */
  renew(keys: ChannelKeys): void {
    this.#next = new Channel(keys)
    this.#advance()
    this.#confirmed = false
  }

  /** Seals with these keys as soon as the other side does. */
  expect(keys: ChannelKeys): void {
    this.#next = new Channel(keys)
  }

  /** Erases the old keys. */
  erase(): void {
    this.#previous?.erase()
    this.#previous = undefined
  }

  #advance(): void {
    this.#previous = this.#channel
    this.#channel = this.#next!
    this.#next = undefined
    this.#phase ^= KEY_PHASE
    this.#renewals++
    this.used = false
  }

  /** Seals a datagram into a new slot of `out` and returns the slot. */
  sendData(out: Batch, to: Destination, payload: Uint8Array, now: number): number {
    const slot = out.claim(to.words, 0, to.socket)
    const start = out.start(slot)
    const body = start + PACKET_HEADER_BYTES
    const counter = this.#header(out, start, this.#clear ? TUNNEL.CLEAR : TUNNEL.DATA, now)
    out.bytes.set(payload, body)
    this.used = true
    out.length[slot] = this.#clear
      ? this.#channel.authenticate(counter, out.bytes, start, body + payload.length)
      : this.#channel.seal(counter, out.bytes, start, body, payload.length)
    return slot
  }

  sendControl(out: Batch, to: Destination, control: Control, now: number, ttl = 0): void {
    const slot = out.claim(to.words, 0, to.socket, ttl)
    const start = out.start(slot)
    const body = start + PACKET_HEADER_BYTES
    const counter = this.#header(out, start, TUNNEL.CONTROL, now)
    const writer = new Writer(out.bytes, body)
    writeControl(writer, control)
    out.length[slot] = this.#channel.seal(counter, out.bytes, start, body, writer.at - body)
  }

  /** Opens datagram i in place. False if it is forged, a duplicate, or in clear although that was not agreed. */
  open(arrived: Batch, i: number): boolean {
    const [start, length] = [arrived.start(i), arrived.length[i]!]
    if (!this.#agreed || length < PACKET_OVERHEAD_BYTES) return false
    const isPresent = (arrived.bytes[start]! & KEY_PHASE) === this.#phase
    const channel = isPresent ? this.#channel : (this.#next ?? this.#previous)
    if (channel === undefined) return false
    const before = channel.greatest
    const counter = channel.restore(arrived.view.getUint32(start + 1))
    this.bodyAt = start + PACKET_HEADER_BYTES
    if (!this.#open(channel, arrived, start, length, counter)) return false
    if (channel === this.#next) this.#advance()
    if (channel === this.#channel) this.#confirmed = true
    if (typeOf(arrived.bytes[start]!) !== TUNNEL.CONTROL) this.used = true
    this.newest = counter > before && (channel === this.#channel || !this.#confirmed)
    return true
  }

  /** The frames of the CONTROL packet opened last. */
  controls(arrived: Batch): readonly Control[] {
    return readControls(arrived.bytes.subarray(this.bodyAt, this.bodyAt + this.bodyLength))
  }

  #open(channel: Channel, { bytes }: Batch, start: number, length: number, counter: number): boolean {
    if (typeOf(bytes[start]!) === TUNNEL.CLEAR) {
      this.bodyLength = length - PACKET_OVERHEAD_BYTES
      return this.#clear && channel.check(counter, bytes, start, length)
    }
    this.bodyLength = channel.open(counter, bytes, start, this.bodyAt, length)
    return this.bodyLength >= 0
  }

  #header(out: Batch, start: number, type: number, now: number): number {
    const counter = this.#channel.nextCounter(now)
    out.bytes[start] = type | this.#phase
    out.view.setUint32(start + 1, counter % 2 ** 32)
    return counter
  }
}

/** Sends the same packet to another address too. Its counter is the same, so the receiver drops the second copy. */
export function sendAgain(out: Batch, slot: number, to: Destination): void {
  const copy = out.claim(to.words, 0, to.socket)
  const from = out.start(slot)
  out.bytes.copyWithin(out.start(copy), from, from + SLOT_BYTES)
  out.length[copy] = out.length[slot]!
}
