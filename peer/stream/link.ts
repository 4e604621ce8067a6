/**
 * The protocol of one stream beneath its Duplex: what is sent, what arrives, and how each direction finishes. It sends
 * and receives the frames of frames.ts through one carrier after another. It outlives the Duplex until both directions
 * have finished.
 *
 *   sending     open -> ended (END) | cut (RESET)
 *   receiving   open -> ended | cut, by what the other side says
 *   over        both have finished: the carrier closes when its last bytes are acknowledged, then it is settled
 *
 * Data whose arrival is not confirmed is kept, at most one window of it, and retransmitted through the next carrier.
 */
import { performance } from 'node:perf_hooks'
import type { UdxStream } from 'udx-native'
import { StraightwayError } from '../../shared/errors.ts'
import type { Destination } from '../net/dual-socket.ts'
import { Carrier } from './carrier.ts'
import { DATA_BYTES, frame, STREAM_FRAME, type StreamKeys, WINDOW_BYTES } from './frames.ts'
import { ReadWindow } from './read-window.ts'
import { SentFrames } from './sent-frames.ts'

/** Frames sealed into one buffer: 64 KB, because each buffer costs the garbage collector time. */
const FRAMES_AT_ONCE = 4
/**
 * Consecutive carriers that may deliver forged bytes and no new data. A third party that injects a packet costs one
 * carrier; a path that changes every packet makes all of them fail.
 */
const MAX_TAMPERED = 8
/** Time after which a destroyed stream is given up if the other side does not finish, as TCP does with orphans. */
const LINGER_MS = 60_000
const NOTHING = Buffer.alloc(0)

type Phase = 'open' | 'ended' | 'cut'

export interface LinkEvents {
  /** Bytes arrived; they come in order. */
  readonly data: (body: Buffer) => void
  /** The other side has ended after all its data. */
  readonly end: () => void
  /** The other side aborted before it had written everything. */
  readonly cut: () => void
  /** The other side stopped reading. `unread`: it has not read everything that was written. */
  readonly stopped: (unread: boolean) => void
  /** The stream failed. */
  readonly failed: (error: StraightwayError) => void
  /** The carrier failed before the stream was over, so another one is needed. */
  readonly stranded: () => void
  /** The stream needs nothing more. */
  readonly settled: () => void
}

export class Link {
  readonly #keys: StreamKeys
  readonly #events: LinkEvents
  readonly #sent = new SentFrames(WINDOW_BYTES)
  readonly #window = new ReadWindow()
  #sending: Phase = 'open'
  #receiving: Phase = 'open'
  #carrier: Carrier | undefined
  /** True when the two sides have agreed on the position at which this carrier resumes. */
  #ready = false
  #full = false
  #tampered = 0
  #arrived = 0
  /** Bytes read when this side stopped reading; undefined while it reads. */
  #stoppedAt: number | undefined
  #isStoppedThere = false
  #pending: Buffer = NOTHING
  #written: (() => void) | undefined
  #lingering: NodeJS.Timeout | undefined
  #isSettled = false

  constructor(keys: StreamKeys, events: LinkEvents) {
    this.#keys = keys
    this.#events = events
  }

  /** Bytes handed to the network, without retransmissions. */
  get bytesSent(): number {
    return this.#sent.position
  }

  get bytesArrived(): number {
    return this.#arrived
  }

  /** Uses a connected udx stream as the carrier, instead of the previous one. */
  carry(udx: UdxStream, which: 'first' | 'another'): void {
    this.#carrier?.destroy()
    this.#carrier = new Carrier(udx, this.#keys, {
      take: (...arrived) => this.#take(...arrived),
      drained: () => this.#drained(),
      ended: () => this.#settle(),
      failed: (how) => this.#failed(how),
    })
    this.#full = false
    this.#ready = which === 'first'
    if (which === 'another') this.#carrier.send(frame(STREAM_FRAME.CONTINUE, this.#arrived))
    else this.#tellAll()
  }

  /** Moves the carrier to the tunnel's new path. */
  move(to: Destination): void {
    this.#carrier?.move(to)
  }

  /** Writes one chunk. `done` is called when all of it has been handed to the network; call `write` again only after that. */
  write(bytes: Buffer, done: () => void): void {
    this.#pending = bytes
    this.#written = done
    this.#flush()
  }

  /** Ends the sending direction after all that was written. */
  end(): void {
    this.#finish(this.#pending.length > 0 ? 'cut' : 'ended')
  }

  /** Aborts the sending direction: the other side learns that data is missing. */
  cut(): void {
    this.#finish('cut')
  }

  /** Reports that the application took received bytes. */
  took(bytes: number): void {
    const isDue = this.#window.took(bytes, this.#carrier?.roundTripMs ?? 0, performance.now())
    if (isDue && this.#ready && this.#receiving === 'open') this.#tellTaken()
  }

  /** Reports that the application stopped reading. `unread`: bytes that were handed to it and not read. */
  stop(unread: number): void {
    this.#stoppedAt ??= this.#window.taken - unread
    if (this.#ready && this.#isUnread) this.#say(STREAM_FRAME.STOP, this.#stoppedAt)
  }

  /** Reports that the Duplex was destroyed. Data in flight may still arrive, for at most LINGER_MS. */
  linger(): void {
    if (!this.#isSettled) this.#lingering ??= setTimeout(() => this.letGo(), LINGER_MS)
  }

  /** True if both directions have finished. */
  get isOver(): boolean {
    return this.#sending !== 'open' && this.#receiving !== 'open'
  }

  /** Ends the stream: there will be no other carrier. */
  letGo(): void {
    this.#carrier?.destroy()
    this.#carrier = undefined
    this.#settle()
  }

  #settle(): void {
    this.#isSettled = true
    clearTimeout(this.#lingering)
    this.#events.settled()
  }

  get #isUnread(): boolean {
    return this.#receiving === 'open' || this.#stoppedAt! < this.#arrived
  }

  #say(kind: number, position: number): void {
    this.#carrier?.send(frame(kind, position))
  }

  #tellTaken(): void {
    const window = Buffer.allocUnsafe(4)
    window.writeUInt32BE(this.#window.size)
    this.#carrier?.send(frame(STREAM_FRAME.TAKEN, this.#window.taken, window))
  }

  #flush(): void {
    while (this.#ready && !this.#full && this.#pending.length > 0 && this.#sent.room > 0)
      this.#full = !this.#carrier!.send(...this.#nextFrames())
    if (this.#pending.length > 0 || this.#full || !this.#ready) return
    const done = this.#written
    this.#written = undefined
    done?.()
  }

  /** Frames of pending bytes: as many as are sealed together. */
  #nextFrames(): Buffer[] {
    const frames: Buffer[] = []
    while (frames.length < FRAMES_AT_ONCE && this.#pending.length > 0 && this.#sent.room > 0) {
      const body = this.#pending.subarray(0, Math.min(DATA_BYTES, this.#sent.room))
      this.#pending = this.#pending.subarray(body.length)
      frames.push(this.#sent.add(body))
    }
    return frames
  }

  #finish(how: 'ended' | 'cut'): void {
    if (this.#sending !== 'open') return
    this.#sending = how
    this.#pending = NOTHING
    this.#written = undefined
    if (this.#ready) this.#tellFinish()
  }

  #tellFinish(): void {
    if (this.#sending === 'open') return
    this.#say(this.#sending === 'ended' ? STREAM_FRAME.END : STREAM_FRAME.RESET, this.#sent.position)
    this.#endIfOver()
  }

  #endIfOver(): void {
    if (this.isOver && this.#ready) this.#carrier?.end()
  }

  /** Sends everything that the other side may not know yet. */
  #tellAll(): void {
    if (this.#stoppedAt !== undefined && this.#isUnread) this.#say(STREAM_FRAME.STOP, this.#stoppedAt)
    this.#tellFinish()
    this.#flush()
  }

  #sendAgain(arrived: number): void {
    this.#sent.forget(arrived)
    this.#ready = true
    this.#tellTaken()
    for (const data of this.#sent) this.#full = !this.#carrier!.send(data)
    this.#tellAll()
  }

  #drained(): void {
    this.#full = false
    this.#flush()
  }

  #failed(how: 'died' | 'tampered'): void {
    this.#carrier = undefined
    this.#ready = false
    if (how === 'tampered' && ++this.#tampered > MAX_TAMPERED) this.#fail('unauthenticated', CHANGED)
    else this.#events.stranded()
  }

  #fail(code: 'unauthenticated' | 'bad-request', detail: string): void {
    this.#events.failed(new StraightwayError(code, detail))
  }

  #take(kind: number, position: number, body: Buffer): void {
    switch (kind) {
      case STREAM_FRAME.DATA:
        this.#hear(position, body)
        break
      case STREAM_FRAME.TAKEN:
        this.#sent.take(position, body.length < 4 ? 0 : body.readUInt32BE())
        this.#flush()
        break
      case STREAM_FRAME.END:
        if (position === this.#arrived) this.#finished('ended')
        break
      case STREAM_FRAME.RESET:
        this.#finished('cut')
        break
      case STREAM_FRAME.STOP:
        this.#stoppedThere(position)
        break
      case STREAM_FRAME.CONTINUE:
        if (!this.#ready) this.#sendAgain(position)
        break
    }
  }

  #hear(position: number, body: Buffer): void {
    if (position < this.#arrived) return
    this.#arrived += body.length
    const isStopped = this.#stoppedAt !== undefined
    const isTooMuch = !isStopped && this.#arrived - this.#window.taken > this.#window.size
    if (position + body.length !== this.#arrived || isTooMuch || this.#receiving !== 'open') {
      this.#fail('bad-request', 'The other side broke the rules of the stream.')
      return
    }
    this.#tampered = 0
    if (!isStopped) this.#events.data(body)
  }

  #finished(how: 'ended' | 'cut'): void {
    if (this.#receiving !== 'open') return
    this.#receiving = how
    this.#endIfOver()
    if (how === 'ended') this.#events.end()
    else this.#events.cut()
  }

  #stoppedThere(read: number): void {
    if (this.#isStoppedThere) return
    this.#isStoppedThere = true
    const isUnread = this.#pending.length > 0 || this.#sent.position > read
    this.#sent.forget(this.#sent.position)
    this.#finish(isUnread ? 'cut' : 'ended')
    this.#events.stopped(isUnread)
  }
}

const CHANGED = 'The stream was changed on its way and has been cut.'
