/**
 * One TLS connection of a carried peer: what arrives on it is cut into datagrams, what the service sends is framed.
 * Datagrams stay datagrams: where the peer reads too slowly they are lost, so nothing is kept for it without bound.
 */
import type { TLSSocket } from 'node:tls'
import { DatagramReader, framed } from '../shared/wire/datagram-stream.ts'
import type { CarriedPeer, CarriedPeers } from './carried-socket.ts'

export interface TlsConnectionLimits {
  /** Of what has been sent and not yet been taken by the kernel. */
  readonly queuedBytes: number
  /** From the handshake to the first datagram, and from each to the next. */
  readonly firstMs: number
  readonly idleMs: number
}

/** `left`: the peer ended it, or its network did. */
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

  /** What one turn of the event loop sends goes out as one record. */
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
