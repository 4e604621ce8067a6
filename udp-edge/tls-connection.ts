/**
 * One TLS connection of a carried peer. Its byte stream is split into datagrams, and datagrams of the service are framed. If
 * the peer reads too slowly, datagrams are dropped, so the send buffer stays bounded.
 */
import type { TLSSocket } from 'node:tls'
import { DatagramReader, framed } from '../shared/wire/datagram-stream.ts'
import type { CarriedPeer, CarriedPeers } from './carried-socket.ts'

export interface TlsConnectionLimits {
  /** Most bytes that are sent and not yet accepted by the kernel. */
  readonly queuedBytes: number
  /** Timeout from the TLS handshake to the first datagram. */
  readonly firstMs: number
  /** Timeout from one datagram to the next. */
  readonly idleMs: number
}

/** Reason why a connection ended. `left`: the peer or its network ended it. */
export type TlsConnectionEnd = 'left' | 'malformed' | 'idle'

export interface TlsConnectionEvents {
  readonly dropped: () => void
  readonly ended: (why: TlsConnectionEnd) => void
}

export class TlsConnection {
  readonly #socket: TLSSocket
  readonly #limits: TlsConnectionLimits
  readonly #events: TlsConnectionEvents
  readonly #peer: CarriedPeer
  readonly #reader = new DatagramReader()
  #silence: NodeJS.Timeout
  #heard = false
  #end: TlsConnectionEnd = 'left'

  constructor(
    socket: TLSSocket,
    peers: CarriedPeers,
    limits: TlsConnectionLimits,
    events: TlsConnectionEvents,
  ) {
    this.#socket = socket
    this.#limits = limits
    this.#events = events
    this.#peer = peers.open((bytes) => this.#deliver(bytes))
    this.#silence = setTimeout(() => this.#cut('idle'), limits.firstMs)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', () => {})
    socket.on('close', () => this.#closed())
  }

  /** Sends a datagram. All datagrams of one turn of the event loop leave as one TLS record. */
  #deliver(bytes: Uint8Array): boolean {
    const socket = this.#socket
    if (!socket.writable || socket.writableLength > this.#limits.queuedBytes) {
      this.#events.dropped()
      return false
    }
    if (socket.writableCorked === 0) {
      socket.cork()
      process.nextTick(() => socket.uncork())
    }
    socket.write(framed(bytes))
    return true
  }

  #receive(chunk: Buffer): void {
    const isWhole = this.#reader.push(chunk, (datagram) => this.#take(datagram))
    if (!isWhole) this.#cut('malformed')
  }

  #take(datagram: Uint8Array): void {
    this.#peer.arrived(datagram)
    if (this.#heard) this.#silence.refresh()
    else this.#enter()
  }

  #enter(): void {
    this.#heard = true
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => this.#cut('idle'), this.#limits.idleMs)
  }

  #cut(why: TlsConnectionEnd): void {
    this.#end = why
    this.#socket.destroy()
  }

  #closed(): void {
    clearTimeout(this.#silence)
    this.#peer.close()
    this.#events.ended(this.#end)
  }
}
