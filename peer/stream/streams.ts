/**
 * The streams of one tunnel: opens and accepts them, moves them when the tunnel's path changes, and gives a stream
 * whose carrier died another one. Either side may begin that, as soon as it notices; where both do at once, the side
 * that opened the stream in the first place has its way, and answers the other's wish with the carrier number 0.
 */
import { randomBytes } from 'node:crypto'
import type { UdxStream } from 'udx-native'
import { StraightwayError } from '../../shared/errors.ts'
import type { Destination } from '../net/dual-socket.ts'
import { createStream } from '../net/udx.ts'
import { CONTINUE, streamKeys } from './frames.ts'
import { TunnelStream } from './tunnel-stream.ts'

const MAX_NAME_BYTES = 255
const NO_CARRIER = 0

/** What the tunnel tells the other side; it repeats an OPEN until it is answered, and its answer when it is asked again. */
export interface StreamSignals {
  open(stream: number, key: Uint8Array, name: string): void
  accept(stream: number, accepter: number): void
  refuse(stream: number): void
}

export interface StreamsOptions {
  readonly signals: StreamSignals
  /** Where the tunnel's packets go now. */
  readonly route: () => Destination | undefined
  /** The other side opened a stream; `answer` says whether somebody wants it. */
  readonly offered: (stream: TunnelStream, answer: (wanted: boolean) => void) => void
  /** There are streams now, or none any more. */
  readonly active: (active: boolean) => void
}

interface Entry {
  readonly key: Uint8Array
  readonly opened: boolean
  readonly stream: TunnelStream
}

/** A carrier that the other side has been asked for. */
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

  constructor(options: StreamsOptions) {
    this.#options = options
  }

  /** Rejects with `refused` where the other side does not want streams, and `closed` where the tunnel closes first. */
  async open(name: string): Promise<TunnelStream> {
    if (name.includes(CONTINUE) || Buffer.byteLength(name) > MAX_NAME_BYTES) {
      const detail = `A stream's name has at most ${MAX_NAME_BYTES} bytes, none of them NUL.`
      throw new StraightwayError('bad-request', detail)
    }
    const entry = this.#enter(randomBytes(32), true, name)
    const stream = entry.stream.on('error', ignore)
    await new Promise<void>((resolve, reject) => this.#wish(entry, name, { resolve, reject }))
    if (stream.errored) throw stream.errored
    return stream.off('error', ignore)
  }

  /** The other side sent STREAM_OPEN. */
  opened(stream: number, key: Uint8Array, name: string): void {
    const known = this.#entries.get(hex(key))
    if (name === CONTINUE) this.#continue(stream, known)
    else if (known === undefined) this.#accept(stream, this.#enter(key, false, name))
  }

  /** The other side sent STREAM_ACCEPT. */
  accepted(stream: number, accepter: number): void {
    const wish = this.#wishes.get(stream)
    if (wish === undefined) return
    this.#wishes.delete(stream)
    if (accepter === NO_CARRIER) wish.udx.destroy()
    else this.#carry(wish.entry, wish.udx, accepter, wish.first ? 'first' : 'another')
    wish.first?.resolve()
  }

  /** The other side sent STREAM_REFUSE. */
  refused(stream: number): void {
    const wish = this.#wishes.get(stream)
    if (wish === undefined) return
    this.#drop(
      wish,
      new StraightwayError('refused', 'The other side takes no streams: it has no listener for them.'),
    )
    if (wish.first === undefined)
      wish.entry.stream.abandon(new StraightwayError('closed', 'The other side cut the stream.'))
  }

  /** The tunnel's path changed. */
  moved(): void {
    const to = this.#options.route()
    if (to !== undefined) for (const { stream } of this.#entries.values()) stream.move(to)
  }

  /** Resolves when every stream that was ended on both sides has brought its last bytes over. */
  async flushed(): Promise<void> {
    const finishing = () => [...this.#entries.values()].some(({ stream }) => stream.destroyed)
    while (finishing()) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  /** The tunnel closed: streams that have not ended are destroyed, with the error if it was not our own wish. */
  close(error?: StraightwayError): void {
    const closed = error ?? new StraightwayError('closed', 'The tunnel was closed.')
    for (const wish of [...this.#wishes.values()]) this.#drop(wish, closed)
    for (const { stream } of [...this.#entries.values()]) stream.abandon(error)
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

  #accept(stream: number, entry: Entry): void {
    this.#options.offered(entry.stream, (wanted) => {
      if (wanted) {
        this.#answer(stream, entry, 'first')
        return
      }
      this.#settled(entry)
      this.#options.signals.refuse(stream)
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

/** A stream may fail before it is handed out: `open` tells that. */
const ignore = (): void => {}
const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex')
