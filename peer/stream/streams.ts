/**
 * The streams of one tunnel. Opens and accepts streams, moves them when the tunnel's path changes, and replaces a
 * carrier that died. Either side may start a replacement as soon as it notices. If both do, the side that opened the
 * stream wins and answers the other side's request with carrier number 0.
 */

import { randomBytes } from 'node:crypto'
import type { UdxStream } from 'udx-native'
import { STREAM_ANSWER_MS } from '../../shared/core/tunnel/streams.ts'
import { StraightwayError } from '../../shared/errors.ts'
import { LIMITS } from '../../shared/limits.ts'
import { deferred } from '../deferred.ts'
import type { Destination } from '../net/dual-socket.ts'
import { createStream } from '../net/udx.ts'
import { CONTINUE, streamKeys } from './frames.ts'
import { TunnelStream } from './tunnel-stream.ts'

const MAX_NAME_BYTES = 255
const NO_CARRIER = 0

/**
 * Signals that the tunnel delivers to the other side. It retransmits an OPEN until it is answered, and repeats an
 * answer if it is asked again.
 */
export interface StreamSignals {
  open(stream: number, key: Uint8Array, name: string): void
  accept(stream: number, accepter: number): void
  refuse(stream: number, reason?: 'too-many'): void
}

/** Why the other side refused a stream; undefined if it has no listener. */
export type Refusal = 'too-many' | 'timeout' | undefined

/** The application's answer to a stream that the other side opened. */
export type Answer = 'accept' | 'no-listener' | 'too-many'

export interface OpenOptions {
  readonly name: string
  readonly signal?: AbortSignal | undefined
}

export interface StreamsOptions {
  readonly signals: StreamSignals
  /** Destination of the tunnel's packets now; undefined before the first path. */
  readonly route: () => Destination | undefined
  /** The other side opened a stream. Call `answer` once. */
  readonly offered: (stream: TunnelStream, answer: (answer: Answer) => void) => void
  /** Called with true when the first stream begins, and with false when the last one is gone. */
  readonly active: (active: boolean) => void
}

interface Entry {
  readonly key: Uint8Array
  readonly opened: boolean
  readonly stream: TunnelStream
}

/** A carrier that was requested from the other side. */
interface Wish {
  readonly udx: UdxStream
  readonly entry: Entry
  readonly first?: { resolve(): void; reject(error: StraightwayError): void }
}

export class Streams {
  readonly #options: StreamsOptions
  readonly #entries = new Map<string, Entry>()
  readonly #wishes = new Map<number, Wish>()
  #idle: (() => void)[] = []
  #closed: StraightwayError | undefined

  constructor(options: StreamsOptions) {
    this.#options = options
  }

  /**
   * Opens a stream. Rejects with:
   *
   * - `bad-request`: an invalid name
   * - `refused`: the other side does not accept streams
   * - `too-large`: too many streams
   * - `timeout`: no answer
   * - `closed`: the tunnel closed first, or `signal` aborted
   */
  async open({ name, signal }: OpenOptions): Promise<TunnelStream> {
    if (name.includes(CONTINUE) || Buffer.byteLength(name) > MAX_NAME_BYTES) {
      const detail = `\`name\`: a stream's name has at most ${MAX_NAME_BYTES} bytes, none of them NUL.`
      throw new StraightwayError('bad-request', detail)
    }
    if (this.#closed !== undefined) throw this.#closed
    if (signal?.aborted) throw stopped(signal)
    if (this.#isFull(true)) throw refusal('too-many')
    const entry = this.#enter(randomBytes(32), true, name)
    const stream = entry.stream.on('error', ignore)
    await this.#asked(entry, name, signal)
    if (stream.errored) throw stream.errored
    return stream.off('error', ignore)
  }

  /** Handles STREAM_OPEN from the other side. */
  opened(stream: number, key: Uint8Array, name: string): void {
    const known = this.#entries.get(hex(key))
    if (name === CONTINUE) this.#continue(stream, known)
    else if (known === undefined) this.#accept(stream, key, name)
  }

  /** Handles STREAM_ACCEPT from the other side. */
  accepted(stream: number, accepter: number): void {
    const wish = this.#wishes.get(stream)
    if (wish === undefined) return
    this.#wishes.delete(stream)
    if (accepter === NO_CARRIER) wish.udx.destroy()
    else this.#carry(wish.entry, wish.udx, accepter, wish.first ? 'first' : 'another')
    wish.first?.resolve()
  }

  /** Handles STREAM_REFUSE from the other side. */
  refused(stream: number, reason?: Refusal): void {
    const wish = this.#wishes.get(stream)
    if (wish === undefined) return
    this.#drop(wish, refusal(reason))
    if (wish.first === undefined)
      wish.entry.stream.abandon(new StraightwayError('closed', 'The other side cut the stream.'))
  }

  /** Moves all streams to the tunnel's new path. */
  moved(): void {
    const to = this.#options.route()
    if (to !== undefined) for (const { stream } of this.#entries.values()) stream.move(to)
  }

  /** Prepares to close: streams that this side has ended stop reading. Resolves when they have delivered their last bytes. */
  finished(): Promise<void> {
    for (const { stream } of this.#entries.values())
      if (stream.writableEnded && !stream.destroyed) stream.destroySoon()
    return this.flushed()
  }

  /** Resolves when every stream that was ended or destroyed has delivered its last bytes. */
  async flushed(): Promise<void> {
    const finishing = () =>
      [...this.#entries.values()].some(({ stream }) => stream.destroyed || stream.writableEnded)
    while (finishing()) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  /** Handles the end of the tunnel: destroys the open streams, with `error` unless this side closed the tunnel. */
  close(error?: StraightwayError): void {
    this.#closed = error ?? new StraightwayError('closed', 'The tunnel was closed.')
    for (const wish of [...this.#wishes.values()]) this.#drop(wish, this.#closed)
    for (const { stream } of [...this.#entries.values()]) stream.abandon(error)
  }

  /**
   * Waits for the other side's answer. If `signal` aborts, the stream is destroyed; the other side learns so if it
   * accepts later.
   */
  async #asked(entry: Entry, name: string, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = deferred()
    const stop = () => {
      reject(stopped(signal!))
      entry.stream.destroy(stopped(signal!))
    }
    signal?.addEventListener('abort', stop)
    this.#wish(entry, name, { resolve, reject })
    await promise.finally(() => signal?.removeEventListener('abort', stop))
  }

  #isFull(opened: boolean): boolean {
    let count = 0
    for (const entry of this.#entries.values()) if (entry.opened === opened) count++
    return count >= LIMITS.streams
  }

  #enter(key: Uint8Array, opened: boolean, name: string): Entry {
    const stream: TunnelStream = new TunnelStream({
      name,
      keys: streamKeys(key, opened),
      stranded: () => this.#stranded(entry),
      settled: () => this.#settled(entry),
    })
    const entry: Entry = { key, opened, stream }
    this.#entries.set(hex(key), entry)
    if (this.#entries.size === 1) this.#options.active(true)
    return entry
  }

  #accept(stream: number, key: Uint8Array, name: string): void {
    if (this.#isFull(false)) {
      this.#options.signals.refuse(stream, 'too-many')
      return
    }
    const entry = this.#enter(key, false, name)
    this.#options.offered(entry.stream, (answer) => {
      if (answer === 'accept') {
        this.#answer(stream, entry, 'first')
        return
      }
      this.#settled(entry)
      if (answer === 'too-many') this.#options.signals.refuse(stream, answer)
      else this.#options.signals.refuse(stream)
    })
  }

  #continue(stream: number, entry: Entry | undefined): void {
    const own = [...this.#wishes.values()].find((wish) => wish.entry === entry)
    if (entry === undefined) this.#options.signals.refuse(stream)
    else if (own !== undefined && entry.opened) this.#options.signals.accept(stream, NO_CARRIER)
    else {
      if (own !== undefined) this.#drop(own)
      this.#answer(stream, entry, 'another')
    }
  }

  #answer(stream: number, entry: Entry, which: 'first' | 'another'): void {
    const carrier = createStream()
    this.#options.signals.accept(stream, carrier.id)
    this.#carry(entry, carrier, stream, which)
  }

  #carry(entry: Entry, carrier: UdxStream, remoteId: number, which: 'first' | 'another'): void {
    const to = this.#options.route()
    if (to === undefined || !this.#entries.has(hex(entry.key))) {
      carrier.destroy()
      return
    }
    carrier.connect(to.socket, remoteId, to.port, to.host)
    entry.stream.carry(carrier, which)
  }

  #wish(entry: Entry, name: string, first?: NonNullable<Wish['first']>): void {
    const carrier = createStream()
    this.#wishes.set(carrier.id, { udx: carrier, entry, ...(first && { first }) })
    this.#options.signals.open(carrier.id, entry.key, name)
  }

  #stranded(entry: Entry): void {
    if (this.#entries.has(hex(entry.key))) this.#wish(entry, CONTINUE)
  }

  #drop(wish: Wish, error?: StraightwayError): void {
    this.#wishes.delete(wish.udx.id)
    wish.udx.destroy()
    if (wish.first === undefined || error === undefined) return
    this.#settled(wish.entry)
    wish.first.reject(error)
  }

  #settled(entry: Entry): void {
    const wasLast = this.#entries.delete(hex(entry.key)) && this.#entries.size === 0
    if (wasLast) this.#options.active(false)
    for (const waiting of this.#idle.splice(0)) waiting()
  }
}

function refusal(reason: Refusal): StraightwayError {
  switch (reason) {
    case 'too-many': {
      const detail = `A tunnel has at most ${LIMITS.streams} streams of each side at the same time: end some first.`
      return new StraightwayError('too-large', detail)
    }
    case 'timeout':
      return new StraightwayError('timeout', `The other side did not answer within ${STREAM_ANSWER_MS} ms.`)
    default:
      return new StraightwayError('refused', 'The other side takes no streams: it has no listener for them.')
  }
}

const stopped = (signal: AbortSignal): StraightwayError =>
  new StraightwayError('closed', 'Opening the stream was stopped.', { cause: signal.reason })

/** A stream may fail before the application has it; `open` reports that error. */
const ignore = (): void => {}
const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex')
