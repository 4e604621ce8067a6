/**
 * The peers that reach this node through the gateway, because their network drops UDP. Each socket of such a peer is a
 * carried peer of the service it talks to (carried-socket.ts). It is closed if the peer is silent for IDLE_MS, or when the
 * gateway reports that the connection has ended. A peer that connects again gets new addresses.
 *
 * Each peer has a limit of datagrams per second and of sockets. All of them are authenticated: INDEX knows them.
 */
import type { CarriedService, NodeDatagram, PeerGone, PushedDatagram } from '../shared/carried.ts'
import { now } from '../shared/drive/clock.ts'
import type { PeerId } from '../shared/ids.ts'
import type { CarriedPeer, CarriedPeers } from './carried-socket.ts'

/** Silence after which a peer is forgotten. A keep-alive comes each minute, and a HANDSHAKE ends within seconds. */
const IDLE_MS = 180_000
/** Most sockets of one peer: one for its session, and one per tunnel that is being opened. Above it the oldest is closed. */
const MOST_SOCKETS = 64
/** Datagrams per second of one peer. Opening a tunnel takes some dozens, a message one. */
const PER_SECOND = 100
const BURST = 400
const MOST_PEERS = 50_000

export interface GatewayPeersOptions {
  readonly services: Readonly<Record<CarriedService, CarriedPeers>>
  /** Sends a datagram to the gateway. False if it was dropped. */
  readonly send: (datagram: NodeDatagram) => boolean
  readonly now?: () => number
}

export interface GatewayPeersCounters {
  received: number
  sent: number
  /** Datagrams above a peer's rate, or of more peers than there is room for. */
  refused: number
}

interface Guest {
  readonly connection: string
  readonly sockets: Map<string, CarriedPeer>
  heardAt: number
  /** Time at which its allowance is full again. */
  fullAt: number
}

export class GatewayPeers {
  readonly counters: GatewayPeersCounters = { received: 0, sent: 0, refused: 0 }
  readonly #options: GatewayPeersOptions
  readonly #now: () => number
  /** Peers, the least recently heard first. */
  readonly #guests = new Map<PeerId, Guest>()
  readonly #peers = new Map<string, PeerId>()

  constructor(options: GatewayPeersOptions) {
    this.#options = options
    this.#now = options.now ?? now
  }

  get size(): number {
    return this.#guests.size
  }

  take(said: PushedDatagram | PeerGone): void {
    if (said.kind === 'gone') this.#forget(this.#peers.get(said.connection))
    else this.#arrived(said)
  }

  #arrived(datagram: PushedDatagram): void {
    const now = this.#now()
    this.#forgetSilent(now)
    const guest = this.#guestOf(datagram, now)
    if (guest === undefined || !isAllowed(guest, now)) this.counters.refused++
    else {
      this.counters.received++
      this.#socketOf(guest, datagram).arrived(Buffer.from(datagram.bytes, 'base64'))
    }
  }

  /** The state of a peer. A peer on a new connection gets new sockets, but keeps its allowance. */
  #guestOf({ peer, from }: PushedDatagram, now: number): Guest | undefined {
    let guest = this.#guests.get(peer)
    if (guest?.connection !== from) {
      const fullAt = guest?.fullAt ?? now
      this.#forget(peer)
      if (this.#guests.size >= MOST_PEERS) return undefined
      guest = { connection: from, sockets: new Map(), heardAt: now, fullAt }
      this.#peers.set(from, peer)
    }
    guest.heardAt = now
    this.#guests.delete(peer)
    this.#guests.set(peer, guest)
    return guest
  }

  #socketOf({ sockets, connection }: Guest, { service, port }: PushedDatagram): CarriedPeer {
    const key = `${service} ${port}`
    const known = sockets.get(key)
    if (known !== undefined) return known
    if (sockets.size >= MOST_SOCKETS) closeOldest(sockets)
    const opened = this.#options.services[service].open((bytes) =>
      this.#deliver(connection, service, port, bytes),
    )
    sockets.set(key, opened)
    return opened
  }

  #deliver(to: string, service: CarriedService, port: number, bytes: Uint8Array): boolean {
    const text = Buffer.from(bytes).toString('base64')
    const isSent = this.#options.send({ kind: 'datagram', to, service, port, bytes: text })
    if (isSent) this.counters.sent++
    return isSent
  }

  #forgetSilent(now: number): void {
    for (const [peer, { heardAt }] of this.#guests) {
      if (now - heardAt < IDLE_MS) return
      this.#forget(peer)
    }
  }

  #forget(peer: PeerId | undefined): void {
    const guest = peer && this.#guests.get(peer)
    if (guest === undefined) return
    for (const socket of guest.sockets.values()) socket.close()
    this.#peers.delete(guest.connection)
    this.#guests.delete(peer!)
  }
}

/** Charges one datagram to a peer's token bucket, which is kept as one number (GCRA). False if the bucket is empty. */
function isAllowed(guest: Guest, now: number): boolean {
  const fullAt = Math.max(guest.fullAt, now)
  if (fullAt - now > (BURST * 1000) / PER_SECOND) return false
  guest.fullAt = fullAt + 1000 / PER_SECOND
  return true
}

function closeOldest(sockets: Map<string, CarriedPeer>): void {
  for (const [key, socket] of sockets) {
    socket.close()
    sockets.delete(key)
    return
  }
}
