/**
 * A tunnel to another peer, used like a connected `dgram.Socket`: datagrams, encrypted end to end unless both asked for
 * `clear`, neither repeated nor in order. It keeps working while its path changes beneath it, from a relay to a direct
 * path and back. `createStream` gives reliable streams beside the datagrams, as many as one wants.
 */
import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Effort, TunnelEnd } from '../shared/core/tunnel/events.ts'
import { StraightwayError } from '../shared/errors.ts'
import type { PeerId } from '../shared/ids.ts'
import type { WhyNotDirect } from '../shared/why-not-direct.ts'
import { type Address, formatIp, isIpv4 } from '../shared/wire/address.ts'
import { MAX_PAYLOAD_BYTES, PACKET_OVERHEAD_BYTES } from '../shared/wire/tunnel.ts'
import { type Datagram, readSendArguments, type SendArguments } from './send-arguments.ts'
import type { TunnelLink } from './tunnel-link.ts'

/** As in `dgram`: where a datagram came from. */
export interface RemoteInfo {
  readonly address: string
  readonly family: 'IPv4' | 'IPv6'
  readonly port: number
  readonly size: number
}

export type AddressInfo = Omit<RemoteInfo, 'size'>
export type Path = 'direct' | 'relayed'

/**
 * Why a tunnel ended: `closed` here or `closedByOther`; `noDirectPath` where only a direct one was wanted; `unreachable`
 * after 30 s without any path.
 */
export type { TunnelEnd }

/** What happens on a socket, and what its listeners are given. */
export interface PeerSocketEvents {
  listening: []
  message: [message: Buffer, from: RemoteInfo]
  /** The path changed, or the reason for a relayed one did. */
  path: [path: Path, whyNotDirect: WhyNotDirect | undefined]
  /** The other side opened a stream. Without a listener for this, streams are refused. */
  stream: [stream: Duplex, about: { readonly name: string }]
  /** Once, at the end. */
  close: [end: TunnelEnd]
  /** A datagram that could not be sent and had no callback. The socket goes on. */
  error: [error: StraightwayError]
}

/** Datagrams, and whatever else happens, between the first packet and the first listener. */
const MAX_EARLY = 256

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
  #closed = false

  /** Sockets come from `peer.connect` and `offer.accept`. */
  constructor(tunnel: TunnelLink) {
    super()
    this.#tunnel = tunnel
    this.remotePeer = tunnel.peer
    tunnel.listener = {
      path: () => this.#whenListening(() => this.emit('path', this.path, this.whyNotDirect)),
      datagram: (bytes) => this.#whenListening(() => this.#receive(bytes)),
      stream: (stream, answer) => this.#whenListening(() => this.#take(stream, answer)),
      closed: (end) => this.#ended(end),
    }
    tunnel.opened.then(
      () => setImmediate(() => this.#listening()),
      () => {},
    )
  }

  get path(): Path {
    return this.#tunnel.status.path === 'direct' ? 'direct' : 'relayed'
  }

  /** Undefined on a direct path. Each reason has advice in WHY_NOT_DIRECT. */
  get whyNotDirect(): WhyNotDirect | undefined {
    return this.#tunnel.status.whyNotDirect
  }

  /** From the agreement to the first packet of the other side, and to the first direct path. Milliseconds. */
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
   * A reliable, ordered, encrypted stream on the same tunnel: a Node Duplex. `name` tells the other side what it is for, at
   * most 255 bytes. Rejects with `refused` where nobody there listens for streams, and `closed`.
   */
  async createStream({ name = '' }: { readonly name?: string } = {}): Promise<Duplex> {
    if (this.#closed) throw new StraightwayError('closed', 'The socket is closed.')
    return this.#tunnel.openStream(name)
  }

  /** Ends the tunnel; streams that have not ended are destroyed. `callback` is called when it has. */
  close(callback?: () => void): this {
    if (callback !== undefined) this.#afterClose(callback)
    void this.#tunnel.close()
    return this
  }

  /** Here for those who know them from dgram: an open tunnel always keeps the process alive. */
  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.close(resolve))
  }

  #listening(): void {
    const early = this.#early ?? []
    this.#early = undefined
    this.emit('listening')
    for (const act of early) act()
  }

  #whenListening(act: () => void): void {
    if (this.#early === undefined) act()
    else if (this.#early.length < MAX_EARLY) this.#early.push(act)
  }

  #receive(bytes: Uint8Array): void {
    const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.emit('message', message, { ...this.remoteAddress(), size: message.length })
  }

  #take(stream: Duplex & { readonly name: string }, answer: (wanted: boolean) => void): void {
    const wanted = this.listenerCount('stream') > 0
    answer(wanted)
    if (wanted) this.emit('stream', stream, { name: stream.name })
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
