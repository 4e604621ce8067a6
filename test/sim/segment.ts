/**
 * A network in which members reach each other by IP: a LAN, the inside of a carrier's NAT, or the core of the internet. A
 * packet for no member goes to the gateway, if there is one.
 */
import type { Dice } from './dice.ts'
import { Link, type LinkProfile } from './link.ts'
import { type Packet, wireBytes } from './packet.ts'
import type { World } from './world.ts'

export interface Member {
  readonly name: string
  /** Receives a packet from the link of this attachment. */
  arrive(packet: Packet, via: Attachment): void
}

/** The attachment of a member to a segment: two links, and the number of routers between it and the middle of the segment. */
export interface Attachment {
  readonly member: Member
  readonly segment: Segment
  readonly up: Link
  readonly down: Link
  readonly hops: number
  /** Addresses that lead to it. */
  readonly ips: Set<string>
  /** False while the cable is out. */
  connected: boolean
}

export interface Placement {
  readonly segment: Segment
  readonly ips: readonly string[]
  readonly link: LinkProfile
  /**
   * Routers between the member and the middle of the segment. Default 0. In the core 3, so that two sites are six routers
   * apart.
   */
  readonly hops?: number
}

export interface Transit {
  /** Probability, 0 to 1. */
  readonly loss: number
  readonly delayMs: number
  /** Largest IP packet, in bytes with headers; a longer one is lost. Default: no limit. */
  readonly mtu?: number
}

export class Segment {
  readonly name: string
  readonly #world: World
  readonly #members = new Map<string, Attachment>()
  /** Number of partitions between two addresses. */
  readonly #separated = new Map<string, number>()
  /** Impairments between two addresses beyond those of the links at either end. */
  readonly #transits = new Map<string, Transit>()
  readonly #dice: Dice
  #gateway: Attachment | undefined
  #announce: ((ip: string) => void) | undefined
  #attached = 0

  constructor(world: World, name: string) {
    this.#world = world
    this.name = name
    this.#dice = world.dice.fork(`transit/${name}`)
  }

  attach(member: Member, { ips, link, hops = 0 }: Omit<Placement, 'segment'>): Attachment {
    const dice = this.#world.dice.fork(`${this.name}/${member.name}/${this.#attached++}`)
    const attachment: Attachment = {
      member,
      segment: this,
      up: new Link(link, dice.fork('up')),
      down: new Link(link, dice.fork('down')),
      hops,
      ips: new Set(),
      connected: true,
    }
    for (const ip of ips) this.route(ip, attachment)
    return attachment
  }

  /** Routes packets for `ip` to this attachment. A router announces the addresses behind it in this way. */
  route(ip: string, attachment: Attachment): void {
    const holder = this.#members.get(ip)
    if (holder !== undefined && holder !== attachment) throw new Error(`${ip} is taken in ${this.name}`)
    this.#members.set(ip, attachment)
    attachment.ips.add(ip)
    this.#announce?.(ip)
  }

  detach(attachment: Attachment): void {
    attachment.connected = false
    for (const ip of attachment.ips) this.#members.delete(ip)
  }

  /** Sets the default route, and the callback that is told the addresses in this segment. */
  leaveThrough(gateway: Attachment, announce: (ip: string) => void): void {
    this.#gateway = gateway
    this.#announce = announce
    for (const ip of this.#members.keys()) announce(ip)
  }

  /** Drops all packets between each of `these` and each of `those`. Call the returned function to heal the partition. */
  separate(these: readonly string[], those: readonly string[]): () => void {
    const cuts = these.flatMap((a) => those.flatMap((b) => [`${a} ${b}`, `${b} ${a}`]))
    const count = (by: number): void => {
      for (const cut of cuts) this.#separated.set(cut, (this.#separated.get(cut) ?? 0) + by)
    }
    count(1)
    return () => count(-1)
  }

  /** Impairs the way between each of `these` and each of `those`. Call the returned function to restore it. */
  worsen(these: readonly string[], those: readonly string[], transit: Transit): () => void {
    const ways = these.flatMap((a) => those.flatMap((b) => [`${a} ${b}`, `${b} ${a}`]))
    for (const way of ways) this.#transits.set(way, transit)
    return () => {
      for (const way of ways) this.#transits.delete(way)
    }
  }

  /** Sends a packet from a member along its link. */
  carry(packet: Packet, from: Attachment): void {
    if (from.connected) this.#along(from.up, packet, () => this.#forward(packet, from))
    else this.#world.drop('unplugged')
  }

  #forward(packet: Packet, from: Attachment): void {
    const to = this.#members.get(packet.to.ip) ?? this.#gateway
    const ttl = packet.ttl - from.hops - (to?.hops ?? 0)
    if (to === undefined || to === from) this.#world.drop('no route')
    else if (this.#isSeparated(packet)) this.#world.drop('partition')
    else if (ttl <= 0) this.#world.drop('ttl')
    else this.#cross({ ...packet, ttl }, to)
  }

  #cross(packet: Packet, to: Attachment): void {
    const transit = this.#transits.get(`${packet.from.ip} ${packet.to.ip}`)
    if (transit === undefined) this.#deliver(packet, to)
    else if (wireBytes(packet) > (transit.mtu ?? Number.POSITIVE_INFINITY)) this.#world.drop('too long')
    else if (this.#dice.chance(transit.loss)) this.#world.drop('transit')
    else this.#world.after(transit.delayMs, () => this.#deliver(packet, to))
  }

  #isSeparated({ from, to }: Packet): boolean {
    return (this.#separated.get(`${from.ip} ${to.ip}`) ?? 0) > 0
  }

  #deliver(packet: Packet, to: Attachment): void {
    this.#along(to.down, packet, () => {
      if (to.connected) to.member.arrive(packet, to)
      else this.#world.drop('unplugged')
    })
  }

  #along(link: Link, packet: Packet, then: () => void): void {
    const arrivals = link.arrivals(this.#world.now, wireBytes(packet))
    if (arrivals.length === 0) this.#world.drop('lost')
    for (const at of arrivals) this.#world.at(at, then)
  }
}
