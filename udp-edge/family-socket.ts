/**
 * One dgram socket of one address family.
 *
 * dgram looks up even literal addresses asynchronously unless it is given a `lookup` that answers at once; only then
 * does `send` reach the kernel before it returns, so that the TTL set just before holds for this datagram and no other.
 * When the kernel's buffer is full, libuv keeps one datagram (its bytes are not copied, its TTL not yet read): nothing
 * more is sent until that one has left, so neither bytes nor TTL can change under it, and no queue grows without bound.
 */
import dgram from 'node:dgram'
import { once } from 'node:events'
import { StraightwayError } from '../shared/errors.ts'
import { ADDRESS_WORDS, type Address, addressOf, isDiscardOnly, isIpv4 } from '../shared/wire/address.ts'
import { type Batch, SLOT_BYTES } from '../shared/wire/batch.ts'
import { IpTexts } from './ip-texts.ts'
import type { Inbox, SocketCounters } from './socket.ts'

/** A burst of 10,000 small datagrams. The kernel grants at most net.core.rmem_max and wmem_max. */
const BUFFER_BYTES = 4 << 20
const DEFAULT_TTL = 64

type Family = 'udp4' | 'udp6'

export class FamilySocket {
  readonly address: Address
  readonly isIpv4: boolean
  readonly counters: SocketCounters = { received: 0, sent: 0, dropped: 0, errors: 0 }
  readonly #socket: dgram.Socket
  readonly #inbox: Inbox
  readonly #texts = new IpTexts()
  readonly #words = new Uint32Array(ADDRESS_WORDS)
  #ttl = DEFAULT_TTL

  /** Rejects with `unavailable` where it cannot be bound. */
  static async open(type: Family, host: string, port: number, inbox: Inbox): Promise<FamilySocket> {
    const socket = dgram.createSocket({ type, ipv6Only: type === 'udp6', lookup: asIs })
    try {
      const listening = once(socket, 'listening')
      socket.bind(port, host)
      await listening
      return new FamilySocket(socket, inbox)
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
    this.address = addressOf(address, port)!
    this.isIpv4 = isIpv4(this.address.words)
    socket.setRecvBufferSize(BUFFER_BYTES)
    socket.setSendBufferSize(BUFFER_BYTES)
    socket.setTTL(DEFAULT_TTL)
    socket.on('error', () => this.counters.errors++)
    socket.on('message', (bytes, source) => this.#receive(bytes, source))
  }

  send(batch: Batch, i: number): boolean {
    const at = i * ADDRESS_WORDS
    const isNowhere = batch.address[at + 4] === 0 || isDiscardOnly(batch.address, at)
    if (isNowhere || this.#socket.getSendQueueCount() > 0) {
      this.counters.dropped++
      return false
    }
    try {
      this.#useTtl(batch.ttl[i]!)
      const host = this.#texts.textOf(batch.address, at)
      this.#socket.send(batch.bytes, batch.start(i), batch.length[i]!, batch.address[at + 4]!, host)
      this.counters.sent++
    } catch {
      this.counters.errors++
    }
    return this.#socket.getSendQueueCount() > 0
  }

  async close(): Promise<void> {
    await new Promise<void>((closed) => this.#socket.close(() => closed()))
  }

  #useTtl(ttl: number): void {
    const wanted = ttl === 0 ? DEFAULT_TTL : ttl
    if (wanted === this.#ttl) return
    this.#socket.setTTL(wanted)
    this.#ttl = wanted
  }

  #receive(bytes: Buffer, source: dgram.RemoteInfo): void {
    this.counters.received++
    const isAddress = this.#texts.wordsOf(source.address, this.#words) && !isDiscardOnly(this.#words)
    if (bytes.length > SLOT_BYTES || !isAddress) {
      this.counters.dropped++
      return
    }
    this.#words[4] = source.port
    this.#inbox.batch.push(bytes, this.#words, 0, this.#inbox.socket)
    this.#inbox.arrived()
  }
}

/** dgram calls it as (host, family, callback), which its types do not say. */
const asIs = ((host: string, family: number, done: (error: null, host: string, family: number) => void) =>
  done(null, host, family)) as unknown as NonNullable<dgram.SocketOptions['lookup']>
