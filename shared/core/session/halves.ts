/**
 * The two directions of a session while something is under way. A node has very many sessions, and most are idle: such a
 * session rests, which leaves three numbers of it.
 */
import type { Random } from '../../crypto/random.ts'
import type { Batch } from '../../wire/batch.ts'
import { REF_BYTES } from '../../wire/frames.ts'
import { FRAME } from '../../wire/numbers.ts'
import { encodeAck } from '../../wire/session.ts'
import type { AddressCredit } from '../address-credit.ts'
import { Follower, type Placed } from './follower.ts'
import { Incoming } from './incoming.ts'
import { Outgoing } from './outgoing.ts'
import type { PacketWriter } from './packet.ts'

/** Unreliable frames that may wait for the next flush. More are dropped, because the other side asks again. */
const UNRELIABLE = 16

export interface Rest {
  /** Numbers of the next frame in each direction. */
  readonly nextOut: number
  readonly nextIn: number
  /** Smoothed round-trip time in whole milliseconds; 0 before the first sample. */
  readonly roundTripMs: number
}

/** A session before its first frame. */
export const UNUSED: Rest = { nextOut: 1, nextIn: 1, roundTripMs: 0 }

export interface HalvesOptions {
  readonly ackDelayMs: number
  readonly challenges: Random | undefined
  readonly credit?: AddressCredit | undefined
}

/** Facts about a session that its flush needs. */
export interface Flush {
  readonly now: number
  readonly heardAt: number
  /** Reliable frames are sent only while the session is open. */
  readonly isOpen: boolean
}

export class Halves {
  readonly outgoing: Outgoing
  readonly incoming: Incoming
  readonly follower: Follower
  #unreliable: { readonly type: number; readonly body: Uint8Array }[] = []
  /** True if the credit of the address is used up for now. */
  #blocked = false

  constructor({ nextOut, nextIn, roundTripMs }: Rest, { ackDelayMs, challenges, credit }: HalvesOptions) {
    this.outgoing = new Outgoing(nextOut, roundTripMs)
    this.incoming = new Incoming(ackDelayMs, nextIn)
    this.follower = new Follower(challenges, credit)
  }

  get roundTripMs(): number {
    return this.outgoing.roundTripMs
  }

  /** True if frames of either direction are under way. */
  get isInUse(): boolean {
    return !this.outgoing.idle || this.incoming.ackAt < Number.POSITIVE_INFINITY
  }

  /** The numbers to resume from; undefined while anything is under way. */
  rest(now: number): Rest | undefined {
    const { outgoing, incoming, follower } = this
    const isIdle = outgoing.idle && incoming.isIdle(now) && follower.isSettled
    if (!isIdle || this.#unreliable.length > 0) return undefined
    return {
      nextOut: outgoing.nextRef,
      nextIn: incoming.next,
      roundTripMs: Math.ceil(outgoing.roundTripMs),
    }
  }

  /** Queues an unreliable frame. Returns false if too many wait. */
  sendOnce(type: number, body: Uint8Array): boolean {
    if (this.#unreliable.length >= UNRELIABLE) return false
    this.#unreliable.push({ type, body })
    return true
  }

  /** Takes the body of a reliable frame, and passes each that is next in order to `deliver`. */
  accept(
    type: number,
    body: Uint8Array,
    now: number,
    deliver: (type: number, body: Uint8Array) => void,
  ): void {
    if (body.length < REF_BYTES) return
    const ref = ((body[0]! << 24) | (body[1]! << 16) | (body[2]! << 8) | body[3]!) >>> 0
    this.incoming.arrived(now)
    this.incoming.accept(ref, type, body.subarray(REF_BYTES), deliver)
  }

  /** Packs everything that is due. Returns false if the other side does not acknowledge any more. */
  write(at: Placed, out: Batch, { now, heardAt, isOpen }: Flush): boolean {
    this.#blocked = false
    const packet = this.follower.packetTo(at, out, now)
    const add = (type: number, ref: number, body: Uint8Array): boolean => {
      if (packet.isEmpty && this.incoming.repeatsAck(now)) this.#addAck(packet)
      const added = packet.add(type, ref, body)
      if (!added) this.#blocked = true
      return added
    }
    if (now >= this.incoming.ackAt) this.#addAck(packet)
    for (const { type, body } of this.#unreliable) add(type, 0, body)
    this.#unreliable = []
    const isAlive = !isOpen || this.outgoing.send(now, heardAt, ({ type, ref, body }) => add(type, ref, body))
    packet.end()
    return isAlive
  }

  deadline(): number {
    const moveAt = this.follower.deadline()
    return this.#blocked ? moveAt : Math.min(this.outgoing.deadline(), this.incoming.ackAt, moveAt)
  }

  #addAck(packet: PacketWriter): void {
    if (packet.add(FRAME.ACK, 0, encodeAck(this.incoming.ack))) this.incoming.acknowledged()
    else this.#blocked = true
  }
}
