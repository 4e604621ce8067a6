/**
 * The TCP port of a service for peers whose network drops UDP: TLS 1.3, with one carried peer per connection. Anybody may
 * connect, as on a UDP port; the service's machine checks the grant. Limits bound the cost of connections:
 *
 * - the number of connections, in total and per address
 * - the rate of new connections per address
 * - timeouts for the TLS handshake, for the first datagram, and for silence
 */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { RateLimit } from '../shared/core/rate-limit.ts'
import type { TlsEndpoint } from '../shared/directory.ts'
import { now } from '../shared/drive/clock.ts'
import { StraightwayError } from '../shared/errors.ts'
import { ADDRESS_WORDS, type Address, addressOf, isIpv4 } from '../shared/wire/address.ts'
import type { CarriedPeers } from './carried-socket.ts'
import type { Endpoint } from './socket.ts'
import { makeCertificate } from './tls-certificate.ts'
import { TlsConnection, type TlsConnectionLimits } from './tls-connection.ts'

export interface TlsLimits extends TlsConnectionLimits {
  /** Most open connections. */
  readonly connections: number
  /** Most open connections from one IPv4 address or IPv6 /64. Peers behind one NAT share an address, so it is not small. */
  readonly connectionsOfOne: number
  /**
   * New connections per second from such an address. A TLS handshake costs a millisecond of CPU, and the peer has proved
   * nothing yet.
   */
  readonly newPerSecondOfOne: number
  /** Burst of new connections from such an address. */
  readonly newAtOnceOfOne: number
  /** Timeout of the TLS handshake. */
  readonly handshakeMs: number
}

const LIMITS: TlsLimits = {
  // About 50 KiB each.
  connections: 4096,
  connectionsOfOne: 256,
  newPerSecondOfOne: 20,
  newAtOnceOfOne: 256,
  handshakeMs: 5_000,
  firstMs: 10_000,
  // As for legs over UDP: four times the interval of a peer's KEEP messages.
  idleMs: 60_000,
  // 100 Mbit/s for 20 ms. More would only delay datagrams.
  queuedBytes: 256 * 1024,
}

/** Address of a connection that was closed before it was examined. */
const NOWHERE: Address = { words: new Uint32Array(ADDRESS_WORDS) }

export interface TlsCounters {
  /** Connections that are open now. */
  connections: number
  /** TLS handshakes completed since the start. */
  opened: number
  /** Connections refused immediately: too many in total (`full`), or too many or too fast from one address. */
  refused: { full: number; sameAddress: number }
  /** Connections without a TLS handshake: another protocol, another version, or too slow. */
  strange: number
  /** Connections that this side ended because a frame was invalid. */
  malformed: number
  /** Connections that this side ended because the peer was silent. */
  idle: number
  /** Datagrams dropped because the peer read too slowly. */
  dropped: number
}

export class TlsListener {
  readonly counters: TlsCounters = {
    connections: 0,
    opened: 0,
    refused: { full: 0, sameAddress: 0 },
    strange: 0,
    malformed: 0,
    idle: 0,
    dropped: 0,
  }
  readonly endpoint: TlsEndpoint
  readonly #door: net.Server
  readonly #tls: tls.Server
  readonly #limits: TlsLimits
  readonly #sockets = new Set<net.Socket>()
  readonly #ofOne = new Map<string, number>()
  readonly #pace: RateLimit

  /** Opens the port. Rejects with `unavailable` if it cannot be bound. */
  static async open(
    at: Endpoint,
    peers: CarriedPeers,
    limits: Partial<TlsLimits> = {},
  ): Promise<TlsListener> {
    const door = net.createServer({ noDelay: true })
    try {
      door.listen(at.port, at.host)
      await once(door, 'listening')
    } catch (cause) {
      const { message } = cause as Error
      throw new StraightwayError('unavailable', `cannot bind ${at.host} TCP port ${at.port}: ${message}`, {
        cause,
      })
    }
    return new TlsListener(door, peers, { ...LIMITS, ...limits })
  }

  private constructor(door: net.Server, peers: CarriedPeers, limits: TlsLimits) {
    const { cert, key, pin } = makeCertificate()
    this.#limits = limits
    this.#pace = new RateLimit(
      { low: randomInt(2 ** 32), high: randomInt(2 ** 32) },
      limits.newPerSecondOfOne,
      limits.newAtOnceOfOne,
    )
    this.endpoint = { port: (door.address() as net.AddressInfo).port, pin }
    this.#door = door
    this.#tls = tls.createServer({ cert, key, minVersion: 'TLSv1.3', handshakeTimeout: limits.handshakeMs })
    this.#tls.on('secureConnection', (socket) => this.#open(socket, peers))
    this.#tls.on('tlsClientError', (_, socket) => this.#sendAway(socket))
    door.maxConnections = limits.connections
    door.on('drop', () => this.counters.refused.full++)
    door.on('connection', (socket) => this.#admit(socket))
    door.on('error', () => {})
  }

  /** Share of the connection limit in use, 0 to 1. */
  get load(): number {
    return Math.min(1, this.#sockets.size / this.#limits.connections)
  }

  async close(): Promise<void> {
    const closed = once(this.#door, 'close')
    this.#door.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #admit(socket: net.Socket): void {
    const { words } = addressOf(socket.remoteAddress ?? '', 0) ?? NOWHERE
    const from = networkOf(words)
    const others = this.#ofOne.get(from) ?? 0
    if (others >= this.#limits.connectionsOfOne || !this.#pace.take(words, 0, now())) {
      this.counters.refused.sameAddress++
      socket.resetAndDestroy()
      return
    }
    this.#ofOne.set(from, others + 1)
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#leave(socket, from))
    this.#tls.emit('connection', socket)
  }

  #leave(socket: net.Socket, from: string): void {
    this.#sockets.delete(socket)
    const others = this.#ofOne.get(from)! - 1
    if (others === 0) this.#ofOne.delete(from)
    else this.#ofOne.set(from, others)
  }

  #sendAway(socket: tls.TLSSocket): void {
    this.counters.strange++
    socket.destroy()
  }

  #open(socket: tls.TLSSocket, peers: CarriedPeers): void {
    const { counters } = this
    counters.connections++
    counters.opened++
    new TlsConnection(socket, peers, this.#limits, {
      dropped: () => counters.dropped++,
      ended: (why) => {
        counters.connections--
        if (why === 'malformed' || why === 'idle') counters[why]++
      },
    })
  }
}

/** Key for limits: the IPv4 address, or the IPv6 /64, as a host usually controls a whole /64. */
function networkOf(words: Uint32Array): string {
  return isIpv4(words) ? `${words[3]}` : `${words[0]}:${words[1]}`
}
