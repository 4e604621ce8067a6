/**
 * One stream of a tunnel: a Node Duplex, reliable, ordered and encrypted. It lives until both sides have ended, or
 * either destroys it, or the tunnel closes; carriers may come and go beneath it.
 *
 * Its end is told inside the encryption (END): bytes that stop coming without it are an error, never an end. Either
 * side may go on sending after the other has ended. What the application has not read is held, at most WINDOW_BYTES
 * of it: udx holds nothing back on the receiving side. What has not arrived for certain is kept, at most as much, to
 * be sent again through another carrier.
 */
import { Duplex } from 'node:stream'
import type { UdxStream } from 'udx-native'
import { StraightwayError } from '../../shared/errors.ts'
import type { Destination } from '../net/dual-socket.ts'
import { Carrier } from './carrier.ts'
import { DATA_BYTES, frame, STREAM_FRAME, type StreamKeys, WINDOW_BYTES } from './frames.ts'
import { SentFrames } from './sent-frames.ts'

/** The reader tells what it took in quarters: few frames, and the writer hardly ever waits. */
const TAKEN_BYTES = WINDOW_BYTES / 4
const CHANGED = 'The stream was changed on its way and has been cut.'
const NOTHING = Buffer.alloc(0)

export interface TunnelStreamOptions {
  readonly name: string
  readonly keys: StreamKeys
  /** The carrier is gone and the stream is not over: another one is wanted. */
  readonly stranded: () => void
  /** Nothing more will be needed of it: both ends have arrived, or it was destroyed. */
  readonly settled: () => void
}

export class TunnelStream extends Duplex {
  readonly #options: TunnelStreamOptions
  readonly #sent = new SentFrames(WINDOW_BYTES)
  readonly #held: Buffer[] = []
  #carrier: Carrier | undefined
  /** The other side knows where this carrier goes on. */
  #ready = false
  #full = false
  #arrived = 0
  #taken = 0
  #told = 0
  #wanted = false
  #ended = { here: false, there: false }
  #pending: Buffer = NOTHING
  #written: (() => void) | undefined

  constructor(options: TunnelStreamOptions) {
    super()
    this.#options = options
  }

  /** What the opener called it; empty without a name. */
  get name(): string {
    return this.#options.name
  }

  /** Bytes handed to the network so far, those sent again not counted twice. */
  get bytesSent(): number {
    return this.#sent.position
  }

  /** Takes a connected udx stream for its carrier, in place of the one it had. */
  carry(udx: UdxStream, which: 'first' | 'another'): void {
    this.#carrier?.destroy()
    this.#carrier = new Carrier(udx, this.#options.keys, {
      take: (...arrived) => this.#take(...arrived),
      drained: () => this.#drained(),
      ended: () => this.#options.settled(),
      failed: (how) => this.#failed(how),
    })
    this.#full = false
    this.#ready = which === 'first'
    if (which === 'another') this.#carrier.send(frame(STREAM_FRAME.CONTINUE, this.#arrived))
    this.#send()
  }

  /** The tunnel's path changed. */
  move(to: Destination): void {
    this.#carrier?.move(to)
  }

  /** No carrier will come any more: the stream is destroyed, with the error unless both ends were said. */
  abandon(error?: StraightwayError): void {
    if (this.#over || this.destroyed) this.#letGo()
    else this.destroy(error)
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#pending = chunk
    this.#written = done
    this.#send()
  }

  override _final(done: () => void): void {
    this.#ended.here = true
    if (this.#ready) this.#sendEnd()
    done()
  }

  override _read(): void {
    this.#wanted = true
    this.#deliver()
  }

  /** After both ends the carrier closes by itself, when its last bytes have been acknowledged. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#held.length = 0
    if (!this.#over) this.#letGo()
    done(error)
  }

  get #over(): boolean {
    return this.#ended.here && this.#ended.there
  }

  #letGo(): void {
    this.#carrier?.destroy()
    this.#carrier = undefined
    this.#options.settled()
  }

  #send(): void {
    while (this.#ready && !this.#full && this.#pending.length > 0 && this.#sent.room > 0) {
      const body = this.#pending.subarray(0, Math.min(DATA_BYTES, this.#sent.room))
      this.#pending = this.#pending.subarray(body.length)
      this.#full = !this.#carrier!.send(this.#sent.add(body))
    }
    if (this.#pending.length > 0 || this.#full || !this.#ready) return
    const done = this.#written
    this.#written = undefined
    done?.()
  }

  #sendEnd(): void {
    this.#carrier!.send(frame(STREAM_FRAME.END, this.#sent.position))
    if (this.#over) this.#carrier!.end()
  }

  #sendAgain(arrived: number): void {
    this.#sent.forget(arrived)
    this.#ready = true
    this.#carrier!.send(frame(STREAM_FRAME.TAKEN, this.#taken))
    for (const data of this.#sent) this.#full = !this.#carrier!.send(data)
    if (this.#ended.here) this.#sendEnd()
    this.#send()
  }

  #drained(): void {
    this.#full = false
    this.#send()
  }

  #failed(how: 'died' | 'tampered'): void {
    this.#carrier = undefined
    this.#ready = false
    if (how === 'died') this.#options.stranded()
    else this.destroy(new StraightwayError('unauthenticated', CHANGED))
  }

  #take(kind: number, position: number, body: Buffer): void {
    switch (kind) {
      case STREAM_FRAME.DATA:
        this.#hold(position, body)
        break
      case STREAM_FRAME.TAKEN:
        this.#sent.take(position)
        this.#send()
        break
      case STREAM_FRAME.END:
        this.#finish(position)
        break
      case STREAM_FRAME.CONTINUE:
        if (!this.#ready) this.#sendAgain(position)
        break
    }
  }

  #hold(position: number, body: Buffer): void {
    if (position < this.#arrived) return
    this.#arrived += body.length
    if (
      position + body.length !== this.#arrived ||
      this.#arrived - this.#taken > WINDOW_BYTES ||
      this.#ended.there
    ) {
      this.destroy(new StraightwayError('bad-request', 'The other side broke the rules of the stream.'))
      return
    }
    this.#held.push(body)
    this.#deliver()
  }

  #finish(position: number): void {
    if (this.#ended.there || position !== this.#arrived) return
    this.#ended.there = true
    if (this.#over && this.#ready) this.#carrier!.end()
    this.#deliver()
  }

  #deliver(): void {
    while (this.#wanted && this.#held.length > 0) {
      const body = this.#held.shift()!
      this.#taken += body.length
      this.#wanted = this.push(body)
    }
    if (this.#ended.there && this.#held.length === 0) this.push(null)
    if (this.#taken - this.#told >= TAKEN_BYTES && !this.#ended.there) this.#tell()
  }

  #tell(): void {
    this.#told = this.#taken
    if (this.#ready) this.#carrier!.send(frame(STREAM_FRAME.TAKEN, this.#taken))
  }
}
