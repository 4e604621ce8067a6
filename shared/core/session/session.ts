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
import { FrameReader, SEALED_HEADER_BYTES, SEALED_TAG_BYTES } from '../../wire/frames.ts'
import { FRAME, RELIABLE } from '../../wire/numbers.ts'
import {
  CHALLENGE_BYTES,
  decodeAck,
  decodeGoodbye,
  encodeGoodbye,
  encodeU32,
  type GoodbyeReason,
} from '../../wire/session.ts'
import type { AddressCredit } from '../address-credit.ts'
import type { Placed } from './follower.ts'
import { Halves, type Rest, UNUSED } from './halves.ts'
import type { FrameSink, SessionOptions, SessionState } from './options.ts'
import { SessionRenewal } from './renewal.ts'

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
  /** Time at which a datagram of the session last opened. */
  heardAt: number
  /** Why the other side left; undefined unless it did. */
  reason: GoodbyeReason | undefined
  #state: SessionState = 'open'
  readonly #challenges: Random | undefined
  readonly #onMoved: ((session: Session) => void) | undefined
  readonly #ackDelayMs: number
  /** At a node, only while the keys are being renewed. */
  #renewal: SessionRenewal | undefined
  #traffic: Halves | Rest = UNUSED

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
    if (options.credit !== undefined) this.#traffic = this.#awoken(UNUSED, options.credit)
  }

  get state(): SessionState {
    return this.#state
  }

  /** Smoothed round-trip time in milliseconds; 0 before the first sample. */
  get roundTripMs(): number {
    return this.#traffic.roundTripMs
  }

  /** True if every reliable frame has been acknowledged. */
  get settled(): boolean {
    return this.#halves?.outgoing.idle ?? true
  }

  /** True if a frame was retransmitted and is still unacknowledged. */
  get doubtful(): boolean {
    return this.#halves?.outgoing.doubtful ?? false
  }

  /** Number of reliable frames that `send` still accepts. */
  get room(): number {
    return this.#awake.outgoing.room
  }

  /** Queues a frame; types from 0x80 on are reliable. Returns false if the queue is full or the session is not open. */
  send(type: number, body: Uint8Array): boolean {
    if (this.#state !== 'open') return false
    return type >= RELIABLE ? this.#awake.outgoing.add(type, body) : this.#awake.sendOnce(type, body)
  }

  ping(token: number): void {
    this.send(FRAME.PING, encodeU32(token))
  }

  /** Closes the session. The next flush sends GOODBYE, and nothing is sent after it. */
  goodbye(reason: GoodbyeReason): void {
    this.send(FRAME.GOODBYE, encodeGoodbye(reason))
    if (this.#state === 'open') this.#state = 'closed'
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
    const sealing = this.#renewal?.opened(channel, this, now) ?? this
    ;({ channel: this.channel, generation: this.generation } = sealing)
    const isNewest = channel === this.channel && counter > before
    this.#awake.follower.heard(this, arrived, i, isNewest, now)
    this.#read(new FrameReader(arrived.bytes, body, body + opened), now, sink)
    return true
  }

  /** Sends everything that is due. */
  flush(out: Batch, now: number): void {
    if (this.#state === 'dead' || this.#state === 'left') return
    this.#renewal?.tick(now)
    const halves = this.#halves
    if (halves === undefined) return
    this.#renew(halves, now)
    const isOpen = this.#state === 'open'
    if (!halves.write(this, out, { now, heardAt: this.heardAt, isOpen })) this.#state = 'dead'
    if (this.#challenges !== undefined) this.#traffic = halves.rest(now) ?? halves
  }

  /** The latest time for a flush; Infinity if nothing is due. */
  deadline(): number {
    if (this.#state !== 'open') return never
    return Math.min(this.#renewal?.deadline() ?? never, this.#halves?.deadline() ?? never)
  }

  /** Undefined while it rests. */
  get #halves(): Halves | undefined {
    return this.#traffic instanceof Halves ? this.#traffic : undefined
  }

  get #awake(): Halves {
    if (this.#traffic instanceof Halves) return this.#traffic
    this.#traffic = this.#awoken(this.#traffic)
    return this.#traffic
  }

  #awoken(rest: Rest, credit?: AddressCredit): Halves {
    return new Halves(rest, { ackDelayMs: this.#ackDelayMs, challenges: this.#challenges, credit })
  }

  #read(frames: FrameReader, now: number, sink: FrameSink): void {
    const deliver = (type: number, body: Uint8Array): void => {
      if (this.#state === 'open') this.#deliver(type, body, now, sink)
    }
    while (this.#state === 'open' && frames.next()) {
      const { type, body } = frames
      if (type >= RELIABLE) this.#awake.accept(type, body, now, deliver)
      else this.#readOnce(type, body, now, sink)
    }
  }

  #deliver(type: number, body: Uint8Array, now: number, sink: FrameSink): void {
    if (type === FRAME.RENEW) this.#onRenew(body)
    else if (type !== FRAME.RENEWED) sink.frame(this, type, body, now)
    else
      ({ channel: this.channel, generation: this.generation } =
        this.#renewal?.answered(body, this, now) ?? this)
  }

  /** Only a node answers: it has the randomness, and only a peer asks. */
  #onRenew(body: Uint8Array): void {
    if (this.#challenges === undefined) return
    this.#renewal ??= new SessionRenewal(this.#challenges, undefined)
    const answer = this.#renewal.answer(body, this)
    if (answer !== undefined) this.send(FRAME.RENEWED, answer)
  }

  /** Asks for other keys if it is time and other frames are under way. */
  #renew({ isInUse }: Halves, now: number): void {
    if (this.#state === 'open' && isInUse)
      this.#renewal?.ask(this, (body) => this.send(FRAME.RENEW, body), now)
    if (this.#renewal?.isOver === true) this.#renewal = undefined
  }

  #channelOf(generation: number): Channel | undefined {
    return generation === this.generation ? this.channel : this.#renewal?.channel(generation)
  }

  #readOnce(type: number, body: Uint8Array, now: number, sink: FrameSink): void {
    switch (type) {
      case FRAME.ACK: {
        const ack = decodeAck(body)
        if (ack !== undefined && !this.#awake.outgoing.acknowledge(ack, now)) this.#state = 'dead'
        return
      }
      case FRAME.PING:
        this.send(FRAME.PONG, body.slice(0, 4))
        return
      case FRAME.GOODBYE:
        this.reason = decodeGoodbye(body) ?? 'leaving'
        this.#state = 'left'
        return
      case FRAME.PATH_CHALLENGE:
        this.send(FRAME.PATH_RESPONSE, body.slice(0, CHALLENGE_BYTES))
        return
      case FRAME.PATH_RESPONSE:
        if (this.#halves?.follower.answered(this, body.subarray(0, CHALLENGE_BYTES)) === true)
          this.#onMoved?.(this)
        return
      default:
        sink.frame(this, type, body, now)
    }
  }
}
