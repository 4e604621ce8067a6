/**
 * The Duplex of one stream, with the API of peer-stream.ts. It lives until both sides have ended, either side destroys
 * it, or the tunnel closes. Its carriers may change beneath it (link.ts).
 *
 * How it ends for the other side:
 *
 *   end()                      an end, after all that was written
 *   destroy()                  the same if all that was written had been handed over, otherwise `closed`
 *   destroy(error)             `closed`: half of what was meant must not look whole
 *   destroyed with bytes that were not read, or written to after it was destroyed: `closed`, as ECONNRESET and EPIPE
 *
 * Data that the application has not read is buffered here, at most WINDOW_BYTES: udx has no backpressure on the
 * receiving side.
 */
import { Duplex } from 'node:stream'
import type { UdxStream } from 'udx-native'
import { StraightwayError } from '../../shared/errors.ts'
import type { Destination } from '../net/dual-socket.ts'
import type { StreamKeys } from './frames.ts'
import { Link } from './link.ts'
import type { PeerStream } from './peer-stream.ts'

export interface TunnelStreamOptions {
  readonly name: string
  readonly keys: StreamKeys
  /** The carrier failed before the stream was over, so another one is needed. */
  readonly stranded: () => void
  /** The stream needs nothing more: both directions have finished, or it was given up. */
  readonly settled: () => void
}

export class TunnelStream extends Duplex implements PeerStream {
  readonly #name: string
  readonly #link: Link
  readonly #held: Buffer[] = []
  #wanted = false
  #ended = false
  /** True if the other side stopped reading. */
  #unheard = false
  #timeoutMs = 0
  #timer: NodeJS.Timeout | undefined

  /** Half-open by default, as every Duplex. `createStream` and `PeerSocket` turn that off, as `net` does. */
  constructor({ name, keys, stranded, settled }: TunnelStreamOptions) {
    super({ emitClose: false })
    this.#name = name
    this.#link = new Link(keys, {
      data: (body) => this.#hold(body),
      end: () => this.#endedThere(),
      cut: () => this.destroy(new StraightwayError('closed', 'The other side cut the stream.')),
      stopped: (unread) => this.#stoppedThere(unread),
      failed: (error) => this.destroy(error),
      stranded,
      settled,
    })
  }

  get name(): string {
    return this.#name
  }

  get bytesRead(): number {
    return this.#link.bytesArrived
  }

  get bytesWritten(): number {
    return this.#link.bytesSent + this.writableLength
  }

  /** Bytes handed to the network so far, without retransmissions. */
  get bytesSent(): number {
    return this.#link.bytesSent
  }

  get readyState(): 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.readable) return this.writable ? 'open' : 'readOnly'
    return this.writable ? 'writeOnly' : 'closed'
  }

  get connecting(): boolean {
    return false
  }

  get pending(): boolean {
    return false
  }

  get timeout(): number {
    return this.#timeoutMs
  }

  setTimeout(ms: number, callback?: () => void): this {
    if (!Number.isFinite(ms) || ms < 0)
      throw new StraightwayError('bad-request', '`ms` of setTimeout is a number of milliseconds, 0 or more.')
    this.#timeoutMs = ms
    this.#touch()
    if (callback !== undefined && ms > 0) this.once('timeout', callback)
    else if (callback !== undefined) this.off('timeout', callback)
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  destroySoon(): void {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy())
  }

  resetAndDestroy(): this {
    this.#link.cut()
    return this.destroy()
  }

  /** Uses a connected udx stream as the carrier, instead of the previous one. */
  carry(udx: UdxStream, which: 'first' | 'another'): void {
    this.#link.carry(udx, which)
  }

  /** Moves the carrier to the tunnel's new path. */
  move(to: Destination): void {
    this.#link.move(to)
  }

  /** Ends the stream because there will be no other carrier. Destroys it with `error` unless both directions have finished. */
  abandon(error?: StraightwayError): void {
    if (!this.#link.isOver && !this.destroyed) this.destroy(error)
    this.#link.letGo()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#touch()
    if (this.#unheard) done(unheard())
    else
      this.#link.write(chunk, () => {
        this.#touch()
        done()
      })
  }

  override _final(done: () => void): void {
    this.#link.end()
    done()
  }

  override _read(): void {
    this.#wanted = true
    this.#deliver()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#timer)
    const isUnread = this.#held.length > 0 || this.readableLength > 0
    if (!this.#ended || isUnread) this.#link.stop(this.readableLength)
    this.#held.length = 0
    if (error === null || (isAbort(error) && this.readableEnded)) this.#link.end()
    else this.#link.cut()
    this.#link.linger()
    done(error)
    process.nextTick(() => this.emit('close', error !== null))
  }

  #hold(body: Buffer): void {
    this.#touch()
    this.#held.push(body)
    this.#deliver()
  }

  #endedThere(): void {
    this.#ended = true
    this.#deliver()
  }

  #stoppedThere(unread: boolean): void {
    this.#unheard = true
    if (unread && !this.destroyed) this.destroy(unheard())
  }

  #deliver(): void {
    while (this.#wanted && this.#held.length > 0) {
      const body = this.#held.shift()!
      this.#link.took(body.length)
      this.#wanted = this.push(body)
    }
    if (this.#ended && this.#held.length === 0) this.push(null)
  }

  #touch(): void {
    clearTimeout(this.#timer)
    if (this.#timeoutMs === 0 || this.destroyed) return
    this.#timer = setTimeout(() => this.emit('timeout'), this.#timeoutMs).unref()
  }
}

/** True if async iteration destroyed a stream that it has read to the end (Node 20 uses an AbortError for that). */
const isAbort = (error: Error): boolean => error.name === 'AbortError'

const unheard = (): StraightwayError =>
  new StraightwayError('closed', 'The other side reads no more of this stream.')
