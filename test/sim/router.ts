/**
 * A router between a segment (its inside) and another (its outside). IPv4 is translated when it has a NAT; everything else
 * passes a stateful firewall unless there is none. TTL as Linux counts it: a packet that ends here leaves no mapping; one
 * that arrives at its last hop is looked at before it is dropped, so it can still poison.
 */
import { Firewall } from './firewall.ts'
import { WIRE } from './link.ts'
import { Nat, type NatBehaviour } from './nat.ts'
import { type Endpoint, isIpv6, type Packet } from './packet.ts'
import type { Attachment, Member, Placement, Segment } from './segment.ts'
import type { World } from './world.ts'

export interface RouterSetting {
  readonly name: string
  /** Where it hangs; the first IP is the outside address of the NAT. */
  readonly outside: Placement
  readonly inside: Segment
  readonly nat?: NatBehaviour
  /** For what is not translated. Default true. */
  readonly firewall?: boolean
  /** A network that lets no UDP out. */
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

  constructor(world: World, setting: RouterSetting) {
    this.#world = world
    this.name = setting.name
    this.udpBlocked = setting.udpBlocked ?? false
    this.nat = setting.nat && new Nat(setting.nat, world.dice.fork(`nat/${setting.name}`))
    this.#firewall = setting.firewall === false ? undefined : new Firewall()
    this.#ip = setting.outside.ips[0]!
    this.#outside = setting.outside.segment.attach(this, setting.outside)
    this.#inside = setting.inside.attach(this, { ips: [], link: WIRE })
    setting.inside.leaveThrough(this.#inside, (ip) => this.#announce(ip))
  }

  get ip(): string {
    return this.#ip
  }

  /** It hangs on the core itself, not behind a carrier's router. */
  get isPublic(): boolean {
    return this.#outside.hops > 0
  }

  /** A restart or a new lease: all state is gone, and the outside IP may be another one. */
  rebind(ip = this.#ip): void {
    this.#world.event(`${this.name} rebinds to ${ip}`)
    this.nat?.forget()
    this.#firewall?.forget()
    this.#ip = ip
    this.#outside.segment.route(ip, this.#outside)
  }

  /** Its outside end of a port that leads to `inside` from now on: behind a carrier that is no public one. */
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
    const translated = { ...packet, from: { ip: this.#ip, port: port ?? 0 } }
    if (port === undefined) this.#world.drop('no port left')
    else if (packet.to.ip !== this.#ip) this.#outside.segment.carry(translated, this.#outside)
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
    if (packet.to.ip === this.#ip) return this.nat?.inbound(packet.to.port, packet.from, this.#world.now)
    const admits = this.#firewall?.admits(packet.to, packet.from, this.#world.now) ?? true
    return admits ? packet.to : undefined
  }

  #translates(ip: string): boolean {
    return this.nat !== undefined && !isIpv6(ip)
  }

  /** What is reachable from outside by its own address is routed here. */
  #announce(ip: string): void {
    if (!this.#translates(ip)) this.#outside.segment.route(ip, this.#outside)
  }
}
