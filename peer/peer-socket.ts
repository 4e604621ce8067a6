/**
 * A tunnel to another peer, used like a connected `dgram.Socket`: datagrams, encrypted end to end unless both asked for
 * `clear`, neither repeated nor in order. It keeps working while its path changes beneath it, from a relay to a direct
 * path and back. `createStream` gives reliable streams beside the datagrams, up to LIMITS.streams at a time.
 */
import { EventEmitter } from 'node:events'
import type { Effort, TunnelEnd } from '../shared/core/tunnel/events.ts'
import { StraightwayError } from '../shared/errors.ts'
import type { PeerId } from '../shared/ids.ts'
import type { WhyNotDirect } from '../shared/why-not-direct.ts'
import { type Address, formatIp, isIpv4 } from '../shared/wire/address.ts'
import { MAX_PAYLOAD_BYTES, PACKET_OVERHEAD_BYTES } from '../shared/wire/tunnel.ts'
import { checkFlag, checkFunction, checkSignal, checkText, taken } from './arguments.ts'
import { type Datagram, readSendArguments, type SendArguments } from './send-arguments.ts'
import type { PeerStream } from './stream/peer-stream.ts'
import type { Answer } from './stream/streams.ts'
import type { TunnelStream } from './stream/tunnel-stream.ts'
import type { TunnelLink } from './tunnel-link.ts'

/** As in `dgram`: where a datagram came from. */
export interface RemoteInfo {
  readonly address: string
  readonly family: 'IPv4' | 'IPv6'
  readonly port: number
  readonly size: number
}

/** As in `dgram`: an address of this side or the other. */
export type AddressInfo = Omit<RemoteInfo, 'size'>
/** How datagrams travel now. */
export type Path = 'direct' | 'relayed'

/**
 * Why a tunnel ended: `closed` here or `closedByOther`; `noDirectPath` where only a direct one was wanted; `unreachable`
 * after 30 s without any path.
 */
export type { TunnelEnd }

/** How a stream is opened. */
export interface StreamOptions {
  /** What the stream is for, in at most 255 bytes; the other side is told. Default: empty. */
  readonly name?: string
  /**
   * True: this side may go on writing after the other side has ended. Default false, as in `net`: the stream then ends by
   * itself.
   */
  readonly allowHalfOpen?: boolean
  /** Stops the opening: the promise rejects with `closed`, with the signal's reason as cause. */
  readonly signal?: AbortSignal
}

/** What happens on a socket, and what its listeners are given. */
export interface PeerSocketEvents {
  listening: []
  message: [message: Buffer, from: RemoteInfo]
  /** The path changed, or the reason for a relayed one did. */
  path: [path: Path, whyNotDirect: WhyNotDirect | undefined]
  /**
   * The other side opened a stream. Without a listener for this, streams are refused. Set `stream.allowHalfOpen` in the
   * listener to go on writing after the other side has ended.
   */
  stream: [stream: PeerStream, about: { readonly name: string }]
  /** Once, at the end. */
  close: [end: TunnelEnd]
  /** A datagram that could not be sent and had no callback. The socket goes on. */
  error: [error: StraightwayError]
}

/** Datagrams, and whatever else happens, between the first packet and the first listener. */
const MAX_EARLY = 256

/** A tunnel to another peer, with the API of a connected `dgram.Socket`, and with streams. */
export class PeerSocket extends EventEmitter<PeerSocketEvents> {
  /** The other side. */
  readonly remotePeer: PeerId
  /** What a tunnel adds to each datagram, on every path. */
  readonly overheadBytesPerPacket = PACKET_OVERHEAD_BYTES
  /** A longer datagram is refused with `too-large`. */
  readonly maxDatagramBytes = MAX_PAYLOAD_BYTES
  readonly #tunnel: TunnelLink
  /** What came before the application had a chance to listen; undefined from then on. */
  #early: (() => void)[] | undefined = []
  #told: { readonly path: Path; readonly why: WhyNotDirect | undefined } | undefined
  #closed = false

  /** Sockets come from `peer.connect` and `offer.accept`. */
  constructor(tunnel: TunnelLink) {
    super()
    this.#tunnel = tunnel
    this.remotePeer = tunnel.peer
    tunnel.listener = {
      path: () => this.#whenListening(() => this.#tellPath()),
      datagram: (bytes, from) => this.#whenListening(() => this.#receive(bytes, from)),
      stream: (stream, answer) =>
        this.#whenListening(
          () => this.#take(stream, answer),
          () => answer('too-many'),
        ),
      closed: (end) => this.#ended(end),
    }
    tunnel.opened.then(
      () => setImmediate(() => this.#listening()),
      () => {},
    )
  }

  /** How datagrams travel now. */
  get path(): Path {
    return this.#tunnel.status.path === 'direct' ? 'direct' : 'relayed'
  }

  /** Undefined on a direct path. Each reason has advice in WHY_NOT_DIRECT. */
  get whyNotDirect(): WhyNotDirect | undefined {
    return this.#tunnel.status.whyNotDirect
  }

  /** From `connect` or `accept` to the first packet of the other side, and to the first direct path. Milliseconds. */
  get times(): { readonly firstByteMs?: number; readonly directMs?: number } {
    const { firstByteMs, directMs } = this.#tunnel.status
    return { ...(firstByteMs !== undefined && { firstByteMs }), ...(directMs !== undefined && { directMs }) }
  }

  /** What the search for a direct path took from here: the technique tried last, and packets sent. */
  get effort(): Effort {
    return this.#tunnel.status.effort
  }

  /** Round trip of the present path; 0 while it is not measured. */
  get rttMs(): number {
    return this.#tunnel.status.rttMs
  }

  /**
   * Sends a datagram of at most `maxDatagramBytes`, called in any way that `dgram.Socket.send` can be; port and address
   * are ignored. Throws `closed` after the end, and `bad-request` where offset and length are wrong.
   */
  send(datagram: Datagram, ...given: SendArguments): void {
    if (this.#closed) throw new StraightwayError('closed', 'The socket is closed.')
    const { bytes, done } = readSendArguments(datagram, given)
    const error = bytes.length > MAX_PAYLOAD_BYTES ? tooLarge(bytes.length) : undefined
    if (error === undefined) this.#tunnel.send(bytes)
    if (done !== undefined) process.nextTick(done, error ?? null, bytes.length)
    else if (error !== undefined) process.nextTick(() => this.emit('error', error))
  }

  /** Where the socket is bound. */
  address(): AddressInfo {
    const { four, six } = this.#tunnel.ports
    if (four !== undefined) return { address: '0.0.0.0', family: 'IPv4', port: four }
    return { address: '::', family: 'IPv6', port: six! }
  }

  /** Where datagrams go now: the other side, or a relay. Changes with the path. */
  remoteAddress(): AddressInfo {
    return infoOf(this.#tunnel.remote!)
  }

  /**
   * Opens a reliable, ordered, encrypted stream on the same tunnel: a Duplex that behaves as `net.Socket` does. Resolves
   * when the other side has accepted it. Rejects with `refused` (nobody there listens for streams), `too-large`
   * (LIMITS.streams are open or opening), `timeout` (no answer for 30 s), `closed` (the socket closed, or `signal`
   * aborted) and `bad-request` (the name).
   */
  async createStream(options: StreamOptions = {}): Promise<PeerStream> {
    if (this.#closed) throw new StraightwayError('closed', 'The socket is closed.')
    const { name = '', allowHalfOpen = false, signal } = taken(options)
    checkText(name, 'name')
    checkFlag(allowHalfOpen, 'allowHalfOpen')
    checkSignal(signal)
    const stream = await this.#tunnel.openStream({ name, signal })
    stream.allowHalfOpen = allowHalfOpen
    return stream
  }

  /**
   * Ends the tunnel. Streams that this side has ended bring over what was written, for 2 s at most; the others are
   * destroyed. `callback` is called when it has ended.
   */
  close(callback?: () => void): this {
    checkFunction(callback, 'callback')
    if (callback !== undefined) this.#afterClose(callback)
    void this.#tunnel.close()
    return this
  }

  /** Here for those who know them from dgram: an open tunnel always keeps the process alive. */
  ref(): this {
    return this
  }

  /** Does nothing, as `ref`. */
  unref(): this {
    return this
  }

  /** Closes it, for `await using`; resolves when it has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.close(resolve))
  }

  #listening(): void {
    const early = this.#early ?? []
    this.#early = undefined
    this.emit('listening')
    for (const act of early) act()
  }

  #whenListening(act: () => void, drop: () => void = () => {}): void {
    if (this.#early === undefined) act()
    else if (this.#early.length < MAX_EARLY) this.#early.push(act)
    else drop()
  }

  /** Another address of the other side, or another relay, is no other path. */
  #tellPath(): void {
    const [path, why] = [this.path, this.whyNotDirect]
    if (this.#told?.path === path && this.#told.why === why) return
    this.#told = { path, why }
    this.emit('path', path, why)
  }

  #receive(bytes: Uint8Array, from: Address): void {
    const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.emit('message', message, { ...infoOf(from), size: message.length })
  }

  #take(stream: TunnelStream, answer: (answer: Answer) => void): void {
    const isWanted = this.listenerCount('stream') > 0
    answer(isWanted ? 'accept' : 'no-listener')
    if (!isWanted) return
    stream.allowHalfOpen = false
    this.emit('stream', stream, { name: stream.name })
  }

  #ended(end: TunnelEnd): void {
    this.#closed = true
    if (this.#early === undefined) this.emit('close', end)
    else this.#early.push(() => this.emit('close', end))
  }

  #afterClose(callback: () => void): void {
    if (this.#closed) process.nextTick(callback)
    else this.once('close', () => callback())
  }
}

function infoOf({ words }: Address): AddressInfo {
  return { address: formatIp(words), family: isIpv4(words) ? 'IPv4' : 'IPv6', port: words[4]! }
}

const tooLarge = (length: number): StraightwayError =>
  new StraightwayError(
    'too-large',
    `A datagram has at most ${MAX_PAYLOAD_BYTES} bytes, not ${length}: use a stream.`,
  )
