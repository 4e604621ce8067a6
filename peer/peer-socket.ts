/**
 * A tunnel to another peer, with the API of a connected `dgram.Socket`. Datagrams are encrypted end to end unless both
 * sides asked for `clear`. They are not retransmitted and may arrive out of order. The socket keeps working while its
 * path changes, from a relay to a direct path and back. `createStream` opens reliable streams beside the datagrams, up
 * to LIMITS.streams at a time.
 */
import { EventEmitter } from 'node:events'
import { checkFlag, checkFunction, checkSignal, checkText, taken } from '../shared/arguments.ts'
import type { Effort, TunnelEnd } from '../shared/core/tunnel/events.ts'
import type { NotHybrid, Security } from '../shared/core/tunnel/security.ts'
import type { AddressInfo, Datagram, Path, RemoteInfo } from '../shared/datagram.ts'
import { StraightwayError } from '../shared/errors.ts'
import type { PeerId } from '../shared/ids.ts'
import type { WhyNotDirect } from '../shared/why-not-direct.ts'
import { type Address, formatIp, isIpv4 } from '../shared/wire/address.ts'
import { MAX_PAYLOAD_BYTES, PACKET_OVERHEAD_BYTES } from '../shared/wire/tunnel.ts'
import { readSendArguments, type SendArguments } from './send-arguments.ts'
import type { PeerStream } from './stream/peer-stream.ts'
import type { Answer } from './stream/streams.ts'
import type { TunnelStream } from './stream/tunnel-stream.ts'
import type { TunnelLink } from './tunnel-link.ts'

/**
 * Why a tunnel ended:
 *
 * - `closed`: this side closed it
 * - `closedByOther`: the other side closed it
 * - `noDirectPath`: no direct path opened, and only a direct one was wanted
 * - `unreachable`: there was no path for 30 s
 */
export type { AddressInfo, NotHybrid, Path, RemoteInfo, Security, TunnelEnd }

/** Options of `PeerSocket.createStream`. */
export interface StreamOptions {
  /** Purpose of the stream, told to the other side: at most 255 bytes without NUL. Default: empty. */
  readonly name?: string
  /**
   * If true, this side may go on writing after the other side has ended. If false, the stream then ends by itself, as
   * in `net`. Default: false.
   */
  readonly allowHalfOpen?: boolean
  /** Aborts the opening. The promise rejects with `closed`, with the signal's reason as its cause. */
  readonly signal?: AbortSignal
}

/** Events of a PeerSocket, with the arguments of their listeners. */
export interface PeerSocketEvents {
  /** The first path is open. Emitted once, before any other event. */
  listening: []
  /** A datagram arrived. `from` is the address of the path that brought it. */
  message: [message: Buffer, from: RemoteInfo]
  /** The kind of path changed, or the reason why it is relayed changed. */
  path: [path: Path, whyNotDirect: WhyNotDirect | undefined]
  /** The tunnel became hybrid, or is not although both sides can: see `PeerSocket.security`. */
  security: [security: Security]
  /**
   * The other side opened a stream. Without a listener for this event, streams are refused. To go on writing after the
   * other side has ended, set `stream.allowHalfOpen` in the listener.
   */
  stream: [stream: PeerStream, about: { readonly name: string }]
  /** The tunnel ended. Emitted once. */
  close: [end: TunnelEnd]
  /** A datagram without a callback could not be sent. The socket stays open. */
  error: [error: StraightwayError]
}

/** Events that are queued between the first packet and `listening`. Later ones are dropped. */
const MAX_EARLY = 256

/** A tunnel to another peer: the API of a connected `dgram.Socket`, plus streams. */
export class PeerSocket extends EventEmitter<PeerSocketEvents> {
  /** Id of the peer on the other side. */
  readonly remotePeer: PeerId
  /** Bytes that the tunnel adds to each datagram, on every path. */
  readonly overheadBytesPerPacket = PACKET_OVERHEAD_BYTES
  /** Largest datagram that `send` accepts. A larger one fails with `too-large`. */
  readonly maxDatagramBytes = MAX_PAYLOAD_BYTES
  readonly #tunnel: TunnelLink
  /** Events queued until the application had a chance to add listeners; undefined after that. */
  #early: (() => void)[] | undefined = []
  #told: { readonly path: Path; readonly why: WhyNotDirect | undefined } | undefined
  #closed = false

  /** Internal: applications get a socket from `peer.connect` or `offer.accept`. */
  constructor(tunnel: TunnelLink) {
    super()
    this.#tunnel = tunnel
    this.remotePeer = tunnel.peer
    tunnel.listener = {
      path: () => this.#whenListening(() => this.#tellPath()),
      security: () => this.#whenListening(() => this.emit('security', this.security)),
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

  /** Kind of path that carries the datagrams now. */
  get path(): Path {
    return this.#tunnel.status.path === 'direct' ? 'direct' : 'relayed'
  }

  /** Why the path is not direct. Undefined on a direct path. WHY_NOT_DIRECT has advice for each reason. */
  get whyNotDirect(): WhyNotDirect | undefined {
    return this.#tunnel.status.whyNotDirect
  }

  /**
   * Milliseconds from `connect` or `accept` to the first packet of the other side (`firstByteMs`), and to the first
   * direct path (`directMs`). Each is undefined until it happened.
   */
  get times(): { readonly firstByteMs?: number; readonly directMs?: number } {
    const { firstByteMs, directMs } = this.#tunnel.status
    return { ...(firstByteMs !== undefined && { firstByteMs }), ...(directMs !== undefined && { directMs }) }
  }

  /** Cost of the search for a direct path on this side: the technique tried last, and the number of packets sent. */
  get effort(): Effort {
    return this.#tunnel.status.effort
  }

  /**
   * The cryptography of the tunnel. `hybrid`: an ML-KEM-768 secret is mixed into the keys, which happens about one round trip
   * after the first packet if both sides have ML-KEM (Node.js from 24.7 on). Until then, and otherwise, `reason` says why not.
   */
  get security(): Security {
    return this.#tunnel.status.security
  }

  /** Round-trip time of the current path in milliseconds; 0 until it is measured. */
  get rttMs(): number {
    return this.#tunnel.status.rttMs
  }

  /**
   * Sends a datagram of at most `maxDatagramBytes`. Accepts every form of `dgram.Socket.send`; port and address are
   * ignored. Throws `closed` after the end, and `bad-request` if the datagram, offset or length is invalid.
   */
  send(datagram: Datagram, ...given: SendArguments): void {
    if (this.#closed) throw new StraightwayError('closed', 'The socket is closed.')
    const { bytes, done } = readSendArguments(datagram, given)
    const error = bytes.length > MAX_PAYLOAD_BYTES ? tooLarge(bytes.length) : undefined
    if (error === undefined) this.#tunnel.send(bytes)
    if (done !== undefined) process.nextTick(done, error ?? null, bytes.length)
    else if (error !== undefined) process.nextTick(() => this.emit('error', error))
  }

  /** Local address that the socket is bound to. */
  address(): AddressInfo {
    const { four, six } = this.#tunnel.ports
    if (four !== undefined) return { address: '0.0.0.0', family: 'IPv4', port: four }
    return { address: '::', family: 'IPv6', port: six! }
  }

  /** Address that datagrams are sent to now: the other side's, or a relay's. It changes with the path. */
  remoteAddress(): AddressInfo {
    return infoOf(this.#tunnel.remote!)
  }

  /**
   * Opens a reliable, ordered, encrypted stream on the same tunnel: a Duplex that behaves as `net.Socket` does.
   * Resolves when the other side has accepted it. Rejects with:
   *
   * - `refused`: the other side has no listener for streams
   * - `too-large`: LIMITS.streams are open or opening
   * - `timeout`: no answer within 30 s
   * - `closed`: the socket closed, or `signal` aborted
   * - `bad-request`: an invalid name or option
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
   * Ends the tunnel. Streams that this side has ended get at most 2 s to deliver what was written; other streams are
   * destroyed. `callback` is called when the tunnel has ended.
   */
  close(callback?: () => void): this {
    checkFunction(callback, 'callback')
    if (callback !== undefined) this.#afterClose(callback)
    void this.#tunnel.close()
    return this
  }

  /** Does nothing, and exists for compatibility with dgram: an open tunnel always keeps the process alive. */
  ref(): this {
    return this
  }

  /** Does nothing; see `ref`. */
  unref(): this {
    return this
  }

  /** Closes the tunnel, for `await using`. Resolves when the tunnel has ended. */
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

  /**
   * Emits `path` only if the kind of path or the reason changed. A new address of the other side or a new relay is not
   * reported.
   */
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
