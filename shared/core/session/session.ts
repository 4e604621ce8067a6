/**
 * A session: frames between a peer and a node over a sealed channel (wire README, sections 2 and 3). Both ends use this
 * object, for CHECKPOINT and HANDSHAKE alike.
 *
 *   receive   opens a SEALED datagram and passes its frames to a sink: reliable ones once and in order
 *   send      queues a frame; nothing is sent before `flush`
 *   flush     packs acknowledgements, answers, new frames and due retransmissions into datagrams
 *   deadline  when `flush` has something to retransmit, or an acknowledgement has waited long enough to share a packet
 *
 * A session is `open` until one of these:
 *
 *   closed    this side called `goodbye`; one last flush sends GOODBYE
 *   left      the other side sent GOODBYE
 *   dead      the other side does not acknowledge (`outgoing.ts`), or acknowledges a frame that was never sent
 *
 * The owner checks `state` after `receive` and `flush`. A session that has left or is dead sends nothing more.
 *
 * An address that is not validated is sent at most three times what came from it. A node's session follows its peer to
 * another address once that address has answered a challenge (`follower.ts`); frames beyond the limit wait until then.
 *
 * A session of a node that has nothing under way rests (`halves.ts`), as most of very many do.
 *
 * The session owns neither its index nor its address. A node keeps the addresses of all its sessions in one array, so that it
 * can check a keep-alive without touching the session.
 */
import type { Channel } from '../../crypto/channel.ts'
import type { Random } from '../../crypto/random.ts'
import type { Batch } from '../../wire/batch.ts'
import { FrameReader, REF_BYTES, SEALED_HEADER_BYTES, SEALED_TAG_BYTES } from '../../wire/frames.ts'
import { FRAME, RELIABLE } from '../../wire/numbers.ts'
import {
  CHALLENGE_BYTES,
  decodeAck,
  decodeGoodbye,
  encodeAck,
  encodeGoodbye,
  encodeU32,
  type GoodbyeReason,
} from '../../wire/session.ts'
import type { AddressCredit } from '../address-credit.ts'
import type { Placed } from './follower.ts'
import { Halves } from './halves.ts'
import type { Incoming } from './incoming.ts'
import type { FrameSink, SessionOptions, SessionState } from './options.ts'
import type { Outgoing } from './outgoing.ts'
import type { PacketWriter } from './packet.ts'
import { type Sealing, SessionRenewal } from './renewal.ts'

/** Unreliable frames that may wait for the next flush. More are dropped, because the other side asks again. */
const UNRELIABLE = 16
const never = Number.POSITIVE_INFINITY

export type { FrameSink, SessionState }

export class Session implements Placed {
  readonly index: number
  readonly remoteIndex: number
  /** Seals, and opens what was sealed with keys of the same exchange. */
  channel: Channel
  generation = 0
  readonly address: Uint32Array
  readonly addressAt: number
  socket: number
  /** When a datagram of the session last opened. */
  heardAt: number
  /** Why the other side left; undefined unless it did. */
  reason: GoodbyeReason | undefined
  #state: SessionState = 'open'
  readonly #challenges: Random | undefined
  readonly #onMoved: ((session: Session) => void) | undefined
  readonly #ackDelayMs: number
  /** Whether the credit of the address is used up for now. */
  #blocked = false
  /** At a node, only while the keys are being renewed. */
  #renewal: SessionRenewal | undefined
  #halves: Halves | undefined
  /** While it rests: its `Rest`. */
  #nextOut = 1
  #nextIn = 1
  #roundTripMs = 0
  #unreliable: { readonly type: number; readonly body: Uint8Array }[] | undefined

  constructor(options: SessionOptions) {
    this.index = options.index
    this.remoteIndex = options.remoteIndex
    this.channel = options.channel
    this.address = options.address
    this.addressAt = options.addressAt ?? 0
    this.socket = options.socket ?? 0
    this.heardAt = options.now
    this.#challenges = options.challenges
    this.#onMoved = options.onMoved
    this.#ackDelayMs = options.ackDelayMs ?? 0
    if (options.renews !== undefined) this.#renewal = new SessionRenewal(options.renews, options.now)
    if (options.credit !== undefined) this.#wake(options.credit)
  }

  get state(): SessionState {
    return this.#state
  }

  /** Smoothed round-trip time in milliseconds; 0 before the first sample. */
  get roundTripMs(): number {
    return this.#halves?.outgoing.roundTripMs ?? this.#roundTripMs
  }

  /** Whether every reliable frame has been acknowledged. */
  get settled(): boolean {
    return this.#halves?.outgoing.idle ?? true
  }

  /** Whether a frame was retransmitted and is still unacknowledged. */
  get doubtful(): boolean {
    return this.#halves?.outgoing.doubtful ?? false
  }

  /** Number of reliable frames that `send` still accepts. */
  get room(): number {
    return this.#outgoing.room
  }

  /** Queues a frame; types from 0x80 on are reliable. Returns false if the queue is full or the session is not open. */
  send(type: number, body: Uint8Array): boolean {
    if (this.#state !== 'open') return false
    return type >= RELIABLE ? this.#outgoing.add(type, body) : this.#sendOnce(type, body)
  }

  ping(token: number): void {
    this.#sendOnce(FRAME.PING, encodeU32(token))
  }

  /** Closes the session. The next flush sends GOODBYE, and nothing is sent after it. */
  goodbye(reason: GoodbyeReason): void {
    if (this.#state !== 'open') return
    this.#sendOnce(FRAME.GOODBYE, encodeGoodbye(reason))
    this.#state = 'closed'
  }

  /**
   * Opens datagram `i`, which is SEALED and has this session's index. Returns false and changes nothing if the datagram is too
   * short, does not open or is a replay, or if the session is not open.
   */
  receive(arrived: Batch, i: number, now: number, sink: FrameSink): boolean {
    const start = arrived.start(i)
    const body = start + SEALED_HEADER_BYTES
    const length = arrived.length[i]!
    if (length < SEALED_HEADER_BYTES + SEALED_TAG_BYTES || this.#state !== 'open') return false
    const counter = arrived.view.getUint16(start + 8) * 2 ** 32 + arrived.view.getUint32(start + 10)
    const channel = this.#channelOf(arrived.view.getUint16(start + 6))
    const before = channel?.greatest ?? 0
    const opened = channel?.open(counter, arrived.bytes, start, body, length) ?? -1
    if (channel === undefined || opened < 0) return false
    this.heardAt = now
    if (this.#renewal !== undefined) this.#seal(this.#renewal.opened(channel, this, now))
    const isNewest = channel === this.channel && counter > before
    const { follower } = this.#halves ?? this.#wake()
    follower.heard(this, arrived, i, isNewest, now)
    this.#read(new FrameReader(arrived.bytes, body, body + opened), now, sink)
    return true
  }

  /** Sends everything that is due. */
  flush(out: Batch, now: number): void {
    if (this.#state === 'dead' || this.#state === 'left') return
    this.#renewal?.tick(now)
    if (this.#halves === undefined && this.#unreliable === undefined) return
    this.#blocked = false
    this.#renew(now)
    const { follower } = this.#halves ?? this.#wake()
    const packet = follower.packetTo(this, out, now)
    const add = (type: number, ref: number, body: Uint8Array): boolean => {
      if (packet.isEmpty && this.#incoming.repeatsAck(now)) this.#addAck(packet)
      const added = packet.add(type, ref, body)
      if (!added) this.#blocked = true
      return added
    }
    if (now >= this.#incoming.ackAt) this.#addAck(packet)
    for (const { type, body } of this.#unreliable ?? []) add(type, 0, body)
    this.#unreliable = undefined
    const isAlive =
      this.#state === 'closed' ||
      this.#outgoing.send(now, this.heardAt, ({ type, ref, body }) => add(type, ref, body))
    packet.end()
    if (!isAlive) this.#state = 'dead'
    this.#restIfIdle(now)
  }

  /** When to flush at the latest; Infinity if nothing is due. */
  deadline(): number {
    const eraseAt = this.#renewal?.deadline() ?? never
    if (this.#state !== 'open') return never
    if (this.#halves === undefined) return eraseAt
    const moveAt = Math.min(this.#halves.follower.deadline(), eraseAt)
    return this.#blocked ? moveAt : Math.min(this.#outgoing.deadline(), this.#incoming.ackAt, moveAt)
  }

  get #outgoing(): Outgoing {
    return (this.#halves ?? this.#wake()).outgoing
  }

  get #incoming(): Incoming {
    return (this.#halves ?? this.#wake()).incoming
  }

  #wake(credit?: AddressCredit): Halves {
    const rest = { nextOut: this.#nextOut, nextIn: this.#nextIn, roundTripMs: this.#roundTripMs }
    const [ackDelayMs, challenges] = [this.#ackDelayMs, this.#challenges]
    this.#halves = new Halves(rest, { ackDelayMs, challenges, credit })
    return this.#halves
  }

  #restIfIdle(now: number): void {
    if (this.#challenges === undefined || this.#halves?.isIdle(now) !== true) return
    const { outgoing, incoming } = this.#halves
    this.#nextOut = outgoing.nextRef
    this.#nextIn = incoming.next
    this.#roundTripMs = Math.ceil(outgoing.roundTripMs)
    this.#halves = undefined
  }

  #addAck(packet: PacketWriter): void {
    if (packet.add(FRAME.ACK, 0, encodeAck(this.#incoming.ack))) this.#incoming.acknowledged()
    else this.#blocked = true
  }

  #sendOnce(type: number, body: Uint8Array): boolean {
    this.#unreliable ??= []
    if (this.#unreliable.length >= UNRELIABLE || this.#state !== 'open') return false
    this.#unreliable.push({ type, body })
    return true
  }

  #read(frames: FrameReader, now: number, sink: FrameSink): void {
    while (this.#state === 'open' && frames.next()) {
      if (frames.type >= RELIABLE) this.#readReliable(frames, now, sink)
      else this.#readOnce(frames.type, frames.body, now, sink)
    }
  }

  #readReliable({ type, body }: FrameReader, now: number, sink: FrameSink): void {
    if (body.length < REF_BYTES) return
    const ref = ((body[0]! << 24) | (body[1]! << 16) | (body[2]! << 8) | body[3]!) >>> 0
    this.#incoming.arrived(now)
    this.#incoming.accept(ref, type, body.subarray(REF_BYTES), (its, inner) => {
      if (this.#state === 'open') this.#deliver(its, inner, now, sink)
    })
  }

  #deliver(type: number, body: Uint8Array, now: number, sink: FrameSink): void {
    if (type === FRAME.RENEW) this.#onRenew(body)
    else if (type !== FRAME.RENEWED) sink.frame(this, type, body, now)
    else if (this.#renewal !== undefined) this.#seal(this.#renewal.answered(body, this, now))
  }

  /** Only a node answers: it has the randomness, and only a peer asks. */
  #onRenew(body: Uint8Array): void {
    if (this.#challenges === undefined) return
    this.#renewal ??= new SessionRenewal(this.#challenges, undefined)
    const answer = this.#renewal.answer(body, this)
    if (answer !== undefined) this.send(FRAME.RENEWED, answer)
  }

  /** Asks for other keys if it is time and other frames are under way. */
  #renew(now: number): void {
    const isInUse = !this.#outgoing.idle || this.#incoming.ackAt < never
    if (this.#state === 'open' && isInUse)
      this.#renewal?.ask(this, (body) => this.send(FRAME.RENEW, body), now)
    if (this.#renewal?.isOver === true) this.#renewal = undefined
  }

  #seal({ channel, generation }: Sealing): void {
    this.channel = channel
    this.generation = generation
  }

  #channelOf(generation: number): Channel | undefined {
    return generation === this.generation ? this.channel : this.#renewal?.channel(generation)
  }

  #readOnce(type: number, body: Uint8Array, now: number, sink: FrameSink): void {
    if (type === FRAME.ACK) this.#onAck(body, now)
    else if (type === FRAME.PING) this.#sendOnce(FRAME.PONG, body.slice(0, 4))
    else if (type === FRAME.GOODBYE) this.#onGoodbye(body)
    else if (type === FRAME.PATH_CHALLENGE)
      this.#sendOnce(FRAME.PATH_RESPONSE, body.slice(0, CHALLENGE_BYTES))
    else if (type === FRAME.PATH_RESPONSE) this.#onResponse(body.subarray(0, CHALLENGE_BYTES))
    else sink.frame(this, type, body, now)
  }

  #onResponse(token: Uint8Array): void {
    if (this.#halves?.follower.answered(this, token) === true) this.#onMoved?.(this)
  }

  #onAck(body: Uint8Array, now: number): void {
    const ack = decodeAck(body)
    if (ack !== undefined && !this.#outgoing.acknowledge(ack, now)) this.#state = 'dead'
  }

  #onGoodbye(body: Uint8Array): void {
    this.reason = decodeGoodbye(body) ?? 'leaving'
    this.#state = 'left'
  }
}
