/**
 * A router between two segments, its inside and its outside. It translates IPv4 if it has a NAT. Everything else passes a
 * stateful firewall, if there is one.
 *
 * TTL is counted as Linux does: an outbound packet that expires here creates no mapping. An inbound packet that expires here
 * is looked at before it is dropped, so it can still poison a port.
 */
import { Firewall } from './firewall.ts'
import { WIRE } from './link.ts'
import { Nat, type NatBehaviour } from './nat.ts'
import { type Endpoint, isIpv6, type Packet } from './packet.ts'
import type { Attachment, Member, Placement, Segment } from './segment.ts'
import type { World } from './world.ts'

export interface RouterSetting {
  readonly name: string
  /** Its attachment outside. Its IPs are the outside addresses of the NAT: one, or a pool. */
  readonly outside: Placement
  readonly inside: Segment
  readonly nat?: NatBehaviour
  /** True if a firewall filters traffic that is not translated. Default true. */
  readonly firewall?: boolean
  /** True if it drops outbound UDP. */
  readonly udpBlocked?: boolean
}

export class Router implements Member {
  readonly name: string
  readonly nat: Nat | undefined
  udpBlocked: boolean
  readonly #world: World
  readonly #outside: Attachment
  readonly #inside: Attachment
  readonly #firewall: Firewall | undefined
  #ip: string
  /** The NAT chooses one of them by the inside and the remote IP, as Linux does. */
  #pool: readonly string[]

  constructor(world: World, setting: RouterSetting) {
    this.#world = world
    this.name = setting.name
    this.udpBlocked = setting.udpBlocked ?? false
    this.nat = setting.nat && new Nat(setting.nat, world.dice.fork(`nat/${setting.name}`))
    this.#firewall = setting.firewall === false ? undefined : new Firewall()
    this.#ip = setting.outside.ips[0]!
    this.#pool = setting.outside.ips
    this.#outside = setting.outside.segment.attach(this, setting.outside)
    this.#inside = setting.inside.attach(this, { ips: [], link: WIRE })
    setting.inside.leaveThrough(this.#inside, (ip) => this.#announce(ip))
  }

  get ip(): string {
    return this.#ip
  }

  /** True if it attaches to the core itself, not behind a carrier's router. */
  get isPublic(): boolean {
    return this.#outside.hops > 0
  }

  /** Simulates a restart or a new lease: all state is gone, and the outside IP may change. */
  rebind(ip = this.#ip): void {
    this.#world.event(`${this.name} rebinds to ${ip}`)
    this.nat?.forget()
    this.#firewall?.forget()
    this.#ip = ip
    this.#pool = [ip]
    this.#outside.segment.route(ip, this.#outside)
  }

  /** Forwards a port to `inside` and returns the outside end. Behind a carrier's NAT that end is not public. */
  mapPort(inside: Endpoint): Endpoint | undefined {
    const port = this.nat?.forward(inside)
    return port === undefined ? undefined : { ip: this.#ip, port }
  }

  arrive(packet: Packet, via: Attachment): void {
    if (this.udpBlocked) this.#world.drop('udp blocked')
    else if (via === this.#inside) this.#leave(packet)
    else this.#enter(packet)
  }

  #leave(packet: Packet): void {
    const passed = { ...packet, ttl: packet.ttl - 1 }
    if (passed.ttl <= 0) this.#world.drop('ttl')
    else if (this.#translates(packet.from.ip)) this.#translate(passed)
    else {
      this.#firewall?.outbound(packet.from, packet.to, this.#world.now)
      this.#outside.segment.carry(passed, this.#outside)
    }
  }

  #translate(packet: Packet): void {
    const port = this.nat?.outbound(packet.from, packet.to, this.#world.now)
    const translated = {
      ...packet,
      from: { ip: this.#outsideOf(packet.from.ip, packet.to.ip), port: port ?? 0 },
    }
    if (port === undefined) this.#world.drop('no port left')
    else if (!this.#pool.includes(packet.to.ip)) this.#outside.segment.carry(translated, this.#outside)
    else if (this.nat?.behaviour.hairpin) this.#enter(translated)
    else this.#world.drop('no hairpin')
  }

  #enter(packet: Packet): void {
    const to = this.#admitted(packet)
    if (to === undefined) this.#world.drop('filtered')
    else if (packet.ttl <= 1) this.#world.drop('ttl')
    else this.#inside.segment.carry({ ...packet, to, ttl: packet.ttl - 1 }, this.#inside)
  }

  #admitted(packet: Packet): Packet['to'] | undefined {
    if (this.#pool.includes(packet.to.ip)) {
      const inside = this.nat?.inbound(packet.to.port, packet.from, this.#world.now)
      const isRight = inside !== undefined && this.#outsideOf(inside.ip, packet.from.ip) === packet.to.ip
      return isRight ? inside : undefined
    }
    const admits = this.#firewall?.admits(packet.to, packet.from, this.#world.now) ?? true
    return admits ? packet.to : undefined
  }

  #outsideOf(inside: string, remote: string): string {
    let hash = 0
    for (const char of `${inside} ${remote}`) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) >>> 0
    return this.#pool[hash % this.#pool.length]!
  }

  #translates(ip: string): boolean {
    return this.nat !== undefined && !isIpv6(ip)
  }

  /** Routes an inside address that is not translated to this router. */
  #announce(ip: string): void {
    if (!this.#translates(ip)) this.#outside.segment.route(ip, this.#outside)
  }
}
