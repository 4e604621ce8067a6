/**
 * A simulated computer: addresses, a clock that may be wrong, and UDP sockets. It moves between segments like a laptop: its
 * sockets stay, its addresses change.
 */
import { type Carrier, isCarried } from './carrier.ts'
import type { Dice } from './dice.ts'
import { DEFAULT_TTL, type Endpoint, isIpv6, type Packet, textOf } from './packet.ts'
import type { Attachment, Member, Placement } from './segment.ts'
import type { World } from './world.ts'

const UDP_ONLY: readonly Means[] = ['udp']
const EPHEMERAL = { low: 32_768, high: 60_999 }

/** Services that a site offers its hosts besides a link. */
export interface Amenities {
  /** Present if the network drops UDP: makes the TCP connections by which services are reached. */
  readonly carrier?: (deliver: (packet: Packet) => void) => Carrier
  /** True if the network passes UDP too, at least at times. */
  readonly passesUdp?: true
  /** Present if the router maps ports on request (PCP, NAT-PMP, UPnP). Returns the outside end of the mapping. */
  readonly mapPort?: (inside: Endpoint) => Endpoint | undefined
}

/** One bound UDP socket. Without `ip` it receives packets for any address of the host. */
export interface Socket {
  readonly ip: string | undefined
  readonly port: number
  readonly host: Host
  readonly take: (from: Endpoint, bytes: Uint8Array) => void
}

/** The ways to a service that accepts TCP as well as UDP. */
export type Means = 'udp' | 'carrier'

/** Decides how the datagrams of a host travel in a network that passes UDP at times, and is told how they arrived. */
export interface Ways {
  leaving(socket: Socket, bytes: Uint8Array, to: Endpoint): readonly Means[]
  arrived(socket: Socket, by: Means): void
}

export class Host implements Member {
  readonly name: string
  readonly world: World
  /** Milliseconds by which the host's clock is ahead of the world's. */
  clockOffsetMs: number
  /** Milliseconds by which the wall clock is ahead of that clock, as if somebody had set it. */
  wallAheadMs = 0
  /** Used where UDP comes and goes. Default: UDP only. */
  ways: Ways | undefined
  readonly #dice: Dice
  readonly #sockets = new Map<number, Socket[]>()
  #attachment: Attachment | undefined
  #amenities: Amenities = {}
  #carrier: Carrier | undefined
  #ips: readonly string[] = []

  constructor(world: World, name: string, clockOffsetMs = 0) {
    this.world = world
    this.name = name
    this.clockOffsetMs = clockOffsetMs
    this.#dice = world.dice.fork(`host/${name}`)
  }

  get ips(): readonly string[] {
    return this.#ips
  }

  get attachment(): Attachment | undefined {
    return this.#attachment
  }

  /** Time shown by the host's clock: whole milliseconds since the epoch. */
  get clock(): number {
    return Math.floor(this.world.now + this.clockOffsetMs)
  }

  /** True if the host's network always drops UDP. */
  get udpBlocked(): boolean {
    return this.#carrier !== undefined && this.#amenities.passesUdp === undefined
  }

  plug(placement: Placement, amenities: Amenities = {}): void {
    this.unplug()
    this.#ips = placement.ips
    this.#attachment = placement.segment.attach(this, placement)
    this.#amenities = amenities
    this.#carrier = amenities.carrier?.((packet) => this.#deliver(packet, 'carrier'))
  }

  unplug(): void {
    if (this.#attachment !== undefined) this.#attachment.segment.detach(this.#attachment)
    this.#attachment = undefined
    this.#carrier?.close()
    this.#carrier = undefined
    this.#amenities = {}
    this.#ips = []
  }

  /** Asks the router to map an outside port to this one. Undefined if the router maps no ports. */
  mapPort(port: number): Endpoint | undefined {
    const ip = this.#ips.find((own) => !isIpv6(own))
    return ip === undefined ? undefined : this.#amenities.mapPort?.({ ip, port })
  }

  /** Binds a socket, by default to an ephemeral port. */
  open(take: Socket['take'], { ip, port }: { ip?: string; port?: number } = {}): Socket {
    const socket = { ip, port: port ?? this.freePort(), host: this, take }
    const others = this.#sockets.get(socket.port) ?? []
    if (others.some((other) => other.ip === ip)) throw new Error(`${this.name}: port ${socket.port} is taken`)
    this.#sockets.set(socket.port, [...others, socket])
    return socket
  }

  close(socket: Socket): void {
    const others = (this.#sockets.get(socket.port) ?? []).filter((other) => other !== socket)
    if (others.length > 0) this.#sockets.set(socket.port, others)
    else this.#sockets.delete(socket.port)
  }

  send(socket: Socket, to: Endpoint, bytes: Uint8Array, ttl: number): void {
    const ip = socket.ip ?? this.#sourceFor(to.ip)
    if (this.#attachment === undefined || ip === undefined) this.world.drop('unreachable')
    else {
      const packet = { from: { ip, port: socket.port }, to, ttl: ttl || DEFAULT_TTL, bytes }
      this.#note('sent', packet)
      const carrier = this.#carrier?.serves(to) === true ? this.#carrier : undefined
      const means = carrier === undefined ? UDP_ONLY : this.#meansOf(socket, packet)
      if (means.includes('carrier')) carrier?.send(packet)
      if (means.includes('udp')) this.#attachment.segment.carry(packet, this.#attachment)
    }
  }

  /**
   * Returns the source address for an answer. A service answers a carried host from its first address, by which it is known.
   */
  #sourceFor(ip: string): string | undefined {
    if (isCarried(ip)) return this.#ips[0]
    return this.#ips.find((own) => isIpv6(own) === isIpv6(ip))
  }

  arrive(packet: Packet): void {
    this.#deliver(packet, 'udp')
  }

  #meansOf(socket: Socket, { bytes, to }: Packet): readonly Means[] {
    if (this.#amenities.passesUdp === undefined) return ['carrier']
    return this.ways?.leaving(socket, bytes, to) ?? UDP_ONLY
  }

  #deliver(packet: Packet, by: Means): void {
    const sockets = this.#sockets.get(packet.to.port)
    const socket = sockets?.find(({ ip }) => ip === undefined || ip === packet.to.ip)
    if (socket === undefined) this.world.drop('port closed')
    else {
      this.#note('taken', packet)
      this.ways?.arrived(socket, by)
      socket.take(packet.from, packet.bytes)
    }
  }

  #note(what: 'sent' | 'taken', { from, to, bytes }: Packet): void {
    if (this.world.trace.hashesDatagrams)
      this.world.trace.datagram(this.world.now, what, textOf(from), textOf(to), bytes)
  }

  /** Returns an ephemeral port that no socket is bound to. */
  freePort(): number {
    for (;;) {
      const port = this.#dice.between(EPHEMERAL.low, EPHEMERAL.high)
      if (!this.#sockets.has(port)) return port
    }
  }
}
