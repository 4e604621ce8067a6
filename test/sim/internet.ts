/**
 * The public network, with hosts in data centres and sites (homes, offices, carriers) behind routers. Hosts in data centres
 * have addresses of their own. Addresses are handed out in order, from the ranges that RFC 5737, RFC 2544 and RFC 3849
 * reserve for documentation and tests.
 */
import { Carrier } from './carrier.ts'
import { type Amenities, Host } from './host.ts'
import { BROADBAND, DATA_CENTRE, type LinkProfile, WIRE } from './link.ts'
import type { NatBehaviour } from './nat.ts'
import type { Endpoint, Packet } from './packet.ts'
import { Router } from './router.ts'
import { type Placement, Segment } from './segment.ts'
import type { World } from './world.ts'

/** Routers between a site and the middle of the core. There are twice as many between two sites. */
const HOPS = 3

export interface SiteSetting {
  /** The NAT of the site. Without one, hosts have public addresses. */
  readonly nat?: NatBehaviour
  /** Number of public addresses of the outermost NAT. Default 1. */
  readonly pool?: number
  /** A second NAT between the first and the core. */
  readonly carrier?: NatBehaviour
  /** True if traffic that is not translated passes a stateful firewall. Default: true behind a NAT, false without. */
  readonly firewall?: boolean
  readonly ipv6?: boolean
  /** False if hosts have IPv6 only. Default true. */
  readonly ipv4?: boolean
  /** True if the site drops UDP. Hosts then reach the services that accept TCP over TCP. */
  readonly udpBlocked?: boolean
  /** True if UDP is dropped only at times (`Router.udpBlocked`). Hosts can then choose between UDP and TCP (`Host.ways`). */
  readonly udpComesAndGoes?: boolean
  /** True if the router maps ports on request. */
  readonly portMapping?: boolean
  /** Link from the site to the core. */
  readonly link?: LinkProfile
  /** Link within the site. */
  readonly lan?: LinkProfile
}

export interface Site {
  readonly name: string
  readonly router: Router
  /** Adds a host to the site. */
  host(name: string, clockOffsetMs?: number): Host
  /** Brings a host here from wherever it was. */
  plug(host: Host): void
}

export class Internet {
  readonly core: Segment
  readonly #world: World
  /** `ip port` of services that take TCP as well as UDP. */
  readonly #overTcp = new Set<string>()
  #subnets = 0
  #carriers = 0

  constructor(world: World) {
    this.#world = world
    this.core = new Segment(world, 'core')
  }

  /**
   * Adds a host in a data centre, with `ips` IPv4 addresses and one IPv6 address. The ports in `overTcp` accept TCP as well
   * as UDP.
   */
  server(
    name: string,
    {
      ips = 1,
      clockOffsetMs = 0,
      overTcp = [],
      link = DATA_CENTRE,
    }: { ips?: number; clockOffsetMs?: number; overTcp?: readonly number[]; link?: LinkProfile } = {},
  ): Host {
    const host = new Host(this.#world, name, clockOffsetMs)
    const subnets = Array.from({ length: ips }, () => this.#subnet())
    const addresses = [...subnets.map(({ ipv4 }) => ipv4(1)), subnets[0]!.ipv6(1)]
    for (const ip of addresses) for (const port of overTcp) this.#overTcp.add(`${ip} ${port}`)
    host.plug({ segment: this.core, ips: addresses, link, hops: HOPS })
    return host
  }

  site(name: string, setting: SiteSetting = {}): Site {
    const inside = new Segment(this.#world, name)
    const subnet = this.#subnet()
    const router = new Router(this.#world, {
      name: `${name} router`,
      outside: this.#uplink(name, setting, subnet),
      inside,
      firewall: setting.firewall ?? setting.nat !== undefined,
      ...(setting.nat && { nat: setting.nat }),
      ...(setting.udpBlocked && { udpBlocked: true }),
    })
    const ipv4 = setting.nat === undefined ? subnet.ipv4 : subnet.private
    const amenities = this.#amenities(name, setting, router)
    let hosts = 1
    const plug = (host: Host) => {
      const n = ++hosts
      const { ipv4: hasIpv4 = true, ipv6: hasIpv6 = false } = setting
      const ips = [...(hasIpv4 ? [ipv4(n)] : []), ...(hasIpv6 ? [subnet.ipv6(n)] : [])]
      host.plug({ segment: inside, ips, link: setting.lan ?? WIRE }, amenities)
    }
    const host = (label: string, clockOffsetMs = 0) => {
      const made = new Host(this.#world, label, clockOffsetMs)
      plug(made)
      return made
    }
    return { name, router, host, plug }
  }

  /** Returns an unused address, for a router that gets another one. */
  freshIp(): string {
    return this.#subnet().ipv4(1)
  }

  #amenities(
    name: string,
    { udpBlocked, udpComesAndGoes, portMapping, link = BROADBAND }: SiteSetting,
    router: Router,
  ): Amenities {
    const carrier = (deliver: (packet: Packet) => void) => {
      const number = ++this.#carriers
      const serves = ({ ip: at, port }: Endpoint) => this.#overTcp.has(`${at} ${port}`)
      const setting = { name: `${name} carrier`, core: this.core, hops: HOPS, number, link, serves }
      return new Carrier(this.#world, setting, deliver)
    }
    return {
      ...((udpBlocked || udpComesAndGoes) && { carrier }),
      ...(udpComesAndGoes && { passesUdp: true }),
      ...(portMapping && { mapPort: (inside: Endpoint) => router.mapPort(inside) }),
    }
  }

  #uplink(name: string, { carrier, link = BROADBAND, pool = 1 }: SiteSetting, subnet: Subnet): Placement {
    const ips = Array.from({ length: pool }, (_, i) => subnet.ipv4(1 + i))
    const placement = { segment: this.core, ips, link, hops: HOPS }
    if (carrier === undefined) return placement
    const inside = new Segment(this.#world, `${name} carrier`)
    new Router(this.#world, { name: `${name} carrier router`, outside: placement, inside, nat: carrier })
    return { segment: inside, ips: ['100.64.0.2'], link: WIRE }
  }

  /** Allocates a subnet: a /24 and a /64 for each site or server, so that only hosts of one site look near to each other. */
  #subnet(): Subnet {
    const number = ++this.#subnets
    const [high, low] = [number >> 8, number & 255]
    return {
      ipv4: (host) => `198.${18 + high}.${low}.${host}`,
      private: (host) =>
        host < 255 ? `192.168.${low}.${host}` : `172.${16 + (host >> 8)}.${low}.${host & 255}`,
      ipv6: (host) => `2a00:db8:${number.toString(16)}::${host.toString(16)}`,
    }
  }
}

interface Subnet {
  ipv4(host: number): string
  private(host: number): string
  ipv6(host: number): string
}
