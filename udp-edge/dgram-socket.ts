/**
 * A socket of one address family on Node's dgram, with one system call per datagram. It is used if the addon cannot run.
 *
 * - dgram resolves even literal addresses asynchronously, unless it has a `lookup` that answers synchronously. Only then does
 *   `send` reach the kernel before it returns, so that the TTL set before it applies to this datagram alone.
 * - If the kernel's buffer is full, libuv keeps one datagram, without copying its bytes or reading its TTL. Nothing more is
 *   sent until that datagram has left. So its bytes and TTL cannot change, and no queue grows without bound.
 */
import dgram from 'node:dgram'
import { once } from 'node:events'
import { StraightwayError } from '../shared/errors.ts'
import { ADDRESS_WORDS, type Address, addressOf, isDiscardOnly, isIpv4 } from '../shared/wire/address.ts'
import { type Batch, SLOT_BYTES } from '../shared/wire/batch.ts'
import { IpTexts } from './ip-texts.ts'
import { type Family, type FamilySocket, type OpenFamily, UDP_BUFFER_BYTES } from './port-socket.ts'
import { overrunOf } from './receive-overruns.ts'
import type { Inbox, SocketCounters } from './socket.ts'

const DEFAULT_TTL = 64

export const openDgram: OpenFamily = (family, host, port, inbox) =>
  DgramSocket.open(family, host, port, inbox)

export class DgramSocket implements FamilySocket {
  readonly addresses: readonly [Address]
  readonly isIpv4: boolean
  readonly #counters = { received: 0, sent: 0, dropped: 0, errors: 0 }
  readonly #socket: dgram.Socket
  readonly #inbox: Inbox
  readonly #texts = new IpTexts()
  readonly #words = new Uint32Array(ADDRESS_WORDS)
  #ttl = DEFAULT_TTL
  #closing: Promise<void> | undefined

  static async open(type: Family, host: string, port: number, inbox: Inbox): Promise<FamilySocket> {
    const socket = dgram.createSocket({ type, ipv6Only: type === 'udp6', lookup: asIs })
    try {
      const listening = once(socket, 'listening')
      socket.bind(port, host)
      await listening
      return new DgramSocket(socket, inbox)
    } catch (cause) {
      socket.close()
      throw new StraightwayError(
        'unavailable',
        `cannot bind ${host} port ${port}: ${(cause as Error).message}`,
        { cause },
      )
    }
  }

  constructor(socket: dgram.Socket, inbox: Inbox) {
    const { address, port } = socket.address()
    this.#socket = socket
    this.#inbox = inbox
    this.addresses = [addressOf(address, port)!]
    this.isIpv4 = isIpv4(this.addresses[0].words)
    socket.setRecvBufferSize(UDP_BUFFER_BYTES)
    socket.setSendBufferSize(UDP_BUFFER_BYTES)
    socket.setTTL(DEFAULT_TTL)
    socket.on('error', () => this.#counters.errors++)
    socket.on('message', (bytes, source) => this.#receive(bytes, source))
  }

  get counters(): SocketCounters {
    return { ...this.#counters, overrun: overrunOf(this.addresses[0]) }
  }

  send(batch: Batch, from: number, to: number): boolean {
    let held = false
    for (let i = from; i < to; i++) if (this.#sendOne(batch, i)) held = true
    return held
  }

  async close(): Promise<void> {
    this.#closing ??= new Promise((closed) => this.#socket.close(() => closed()))
    await this.#closing
  }

  #sendOne(batch: Batch, i: number): boolean {
    const at = i * ADDRESS_WORDS
    if (!this.#canReach(batch.address, at) || this.#socket.getSendQueueCount() > 0) {
      this.#counters.dropped++
      return false
    }
    try {
      this.#useTtl(batch.ttl[i]!)
      const host = this.#texts.textOf(batch.address, at)
      this.#socket.send(batch.bytes, batch.start(i), batch.length[i]!, batch.address[at + 4]!, host)
      this.#counters.sent++
    } catch {
      this.#counters.errors++
    }
    return this.#socket.getSendQueueCount() > 0
  }

  #canReach(words: Uint32Array, at: number): boolean {
    return words[at + 4] !== 0 && !isDiscardOnly(words, at) && isIpv4(words, at) === this.isIpv4
  }

  #useTtl(ttl: number): void {
    const wanted = ttl === 0 ? DEFAULT_TTL : ttl
    if (wanted === this.#ttl) return
    this.#socket.setTTL(wanted)
    this.#ttl = wanted
  }

  #receive(bytes: Buffer, source: dgram.RemoteInfo): void {
    this.#counters.received++
    const isAddress = this.#texts.wordsOf(source.address, this.#words) && !isDiscardOnly(this.#words)
    if (bytes.length > SLOT_BYTES || !isAddress) {
      this.#counters.dropped++
      return
    }
    this.#words[4] = source.port
    this.#inbox.batch.push(bytes, this.#words, 0, this.#inbox.socket)
    this.#inbox.arrived()
  }
}

/** A `lookup` that returns the literal address synchronously. dgram calls it as (host, family, callback), unlike its types. */
const asIs = ((host: string, family: number, done: (error: null, host: string, family: number) => void) =>
  done(null, host, family)) as unknown as NonNullable<dgram.SocketOptions['lookup']>
