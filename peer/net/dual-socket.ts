/// <reference path="./udx-native.d.ts" preserve="true" />
/**
 * One UDP port of a peer: a udx socket for IPv4, and one for IPv6 if the system has it, with the same port number if
 * that is free. A dual-stack socket would not do, because a TTL set on it does not apply to IPv4. udx keeps the packets
 * of its streams; all other datagrams go to `receive`.
 */
import type { UdxSocket } from 'udx-native'
import { OWN_PORT } from '../../shared/core/peer/service-port.ts'
import { StraightwayError } from '../../shared/errors.ts'
import {
  ADDRESS_WORDS,
  type Address,
  addressOf,
  formatIp,
  isIpv4,
  PORT_WORD,
  sameIp,
} from '../../shared/wire/address.ts'
import { type Batch, SLOT_BYTES } from '../../shared/wire/batch.ts'
import { udx } from './udx.ts'

/** Room for several hundred full-size datagrams that arrive while JavaScript is busy. */
const BUFFER_BYTES = 1 << 20

/** Payload of a datagram that only opens the NAT. If it arrives, it is not a packet of any tunnel. */
const OPENING = Buffer.alloc(1)

/** Receives a datagram. It may keep `bytes`, but not `words`. */
export type Receive = (bytes: Uint8Array, words: Uint32Array) => void

/** Destination of a stream. */
export interface Destination {
  readonly socket: UdxSocket
  readonly host: string
  readonly port: number
}

export class DualSocket {
  /** Receiver of the datagrams. Those that arrive before it is set are lost. */
  receive: Receive | undefined
  readonly #four: UdxSocket | undefined
  readonly #six: UdxSocket | undefined
  /** Text form of the last destination and the last source address, which rarely change. */
  readonly #to = { words: new Uint32Array(ADDRESS_WORDS), host: '' }
  readonly #from = { words: new Uint32Array(ADDRESS_WORDS), host: '' }

  /** Throws `unavailable` if the system gives no UDP port at all. */
  constructor(receive?: Receive, { ipv4Only = false } = {}) {
    this.receive = receive
    this.#four = this.#open('0.0.0.0', 0)
    if (!ipv4Only) this.#six = this.#open('::', this.#four?.address()?.port ?? 0) ?? this.#open('::', 0)
    if (this.#four === undefined && this.#six === undefined)
      throw new StraightwayError(
        'unavailable',
        'The system gives no UDP port: check its limits and firewall.',
      )
  }

  /** Local ports by family; undefined for a family that is not available. */
  get ports(): { readonly four: number | undefined; readonly six: number | undefined } {
    return { four: this.#four?.address()?.port, six: this.#six?.address()?.port }
  }

  /** Sends datagram i of a batch, with its TTL. A datagram that cannot be sent is lost, as on any network. */
  send(batch: Batch, i: number): void {
    const at = i * ADDRESS_WORDS
    const to = this.destination(batch.address, at)
    if (to !== undefined) to.socket.trySend(Buffer.from(batch.at(i)), to.port, to.host, batch.ttl[i]!)
  }

  /** Sends datagram i of a batch to its IP at each of these ports; 0 stands for the port in its address. */
  sendTo(ports: readonly number[], batch: Batch, i: number): void {
    const at = i * ADDRESS_WORDS + PORT_WORD
    const own = batch.address[at]!
    for (const port of ports) {
      batch.address[at] = port === OWN_PORT ? own : port
      this.send(batch, i)
    }
    batch.address[at] = own
  }

  /** Opens the NAT for datagrams from this address by sending one there. `ttl` 0: the system's default. */
  open({ words }: Address, ttl: number): void {
    const to = this.destination(words)
    to?.socket.trySend(OPENING, to.port, to.host, ttl)
  }

  /** Destination of a stream to this address; undefined if its family is not available here, or it has no port. */
  destination(words: Uint32Array, at = 0): Destination | undefined {
    const socket = isIpv4(words, at) ? this.#four : this.#six
    const port = words[at + 4]!
    return socket && port > 0 ? { socket, host: this.#hostOf(words, at), port } : undefined
  }

  /** Closes the sockets. Resolves when the streams on them have ended. */
  async close(): Promise<void> {
    await Promise.all([this.#four?.close(), this.#six?.close()])
  }

  #open(host: string, port: number): UdxSocket | undefined {
    const socket = udx.createSocket({ ipv6Only: host === '::' })
    try {
      socket.bind(port, host)
    } catch {
      socket.close()
      return undefined
    }
    socket.setRecvBufferSize(BUFFER_BYTES)
    socket.setSendBufferSize(BUFFER_BYTES)
    socket.on('message', (bytes, from) => this.#arrived(bytes, from))
    return socket
  }

  #arrived(bytes: Buffer, { host, port }: { host: string; port: number }): void {
    if (bytes.length > SLOT_BYTES) return
    if (host !== this.#from.host && !this.#heard(host)) return
    this.#from.words[4] = port
    this.receive?.(bytes, this.#from.words)
  }

  #heard(host: string): boolean {
    const address = addressOf(host, 0)
    if (address === undefined) return false
    this.#from.words.set(address.words)
    this.#from.host = host
    return true
  }

  #hostOf(words: Uint32Array, at: number): string {
    if (this.#to.host === '' || !sameIp(this.#to.words, 0, words, at)) {
      this.#to.words.set(words.subarray(at, at + ADDRESS_WORDS))
      this.#to.host = formatIp(words, at)
    }
    return this.#to.host
  }
}
