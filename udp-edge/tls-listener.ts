/**
 * The TCP port of a service for peers whose network drops UDP: TLS 1.3, one carried peer a connection. Whoever comes is
 * let in, as on a UDP port; a grant is the machine's to ask for. What a connection costs is bounded: so many in all, so
 * many from one address, so many new ones, so long to shake hands, to say something, and to say something more.
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
  /** Open at the same time. */
  readonly connections: number
  /** Of these, from one IPv4 address or one /64 of IPv6: many peers share an address behind one NAT. */
  readonly connectionsOfOne: number
  /** New ones from such an address: over time, and at once. Shaking hands costs a millisecond, and a carried peer begins unknown. */
  readonly newPerSecondOfOne: number
  readonly newAtOnceOfOne: number
  readonly handshakeMs: number
}

const LIMITS: TlsLimits = {
  // Some 50 KiB each.
  connections: 4096,
  connectionsOfOne: 256,
  newPerSecondOfOne: 20,
  newAtOnceOfOne: 256,
  handshakeMs: 5_000,
  firstMs: 10_000,
  // As for legs over UDP: four times the interval at which a peer says KEEP.
  idleMs: 60_000,
  // 100 Mbit/s over 20 ms; more would only make datagrams late.
  queuedBytes: 256 * 1024,
}

/** Of one that has gone before it was looked at. */
const NOWHERE: Address = { words: new Uint32Array(ADDRESS_WORDS) }

export interface TlsCounters {
  /** Open now. */
  connections: number
  /** Since the start: hands were shaken. */
  opened: number
  /** Sent away at once: too many in all, too many or too fast from one address. */
  refused: { full: number; sameAddress: number }
  /** No handshake: another protocol, another version, or too slow. */
  strange: number
  /** Ended by this side: not framed, or silent. */
  malformed: number
  idle: number
  /** Datagrams for readers that were too slow. */
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

  /** Rejects with `unavailable` where the port cannot be bound. */
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

  /** 0 to 1: of the connections that it can take. */
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

/** Whoever has one address of IPv6 has a /64 of them. */
function networkOf(words: Uint32Array): string {
  return isIpv4(words) ? `${words[3]}` : `${words[0]}:${words[1]}`
}
