/**
 * The public network and what hangs on it: hosts in data centres with addresses of their own, and sites (homes, offices,
 * carriers) behind routers. Addresses are handed out in order, from the ranges that RFC 5737, RFC 2544 and RFC 3849 keep
 * for documentation and tests.
 */
import { Host } from './host.ts'
import { BROADBAND, DATA_CENTRE, type LinkProfile, WIRE } from './link.ts'
import type { NatBehaviour } from './nat.ts'
import { Router } from './router.ts'
import { Segment } from './segment.ts'
import type { World } from './world.ts'

/** Routers between a site and the middle of the core: two sites are twice as many apart. */
const HOPS = 3

export interface SiteSetting {
  /** Without one hosts have public addresses. */
  readonly nat?: NatBehaviour
  /** A second NAT between the first and the core. */
  readonly carrier?: NatBehaviour
  /** A stateful firewall for what is not translated. Default true behind a NAT, false without. */
  readonly firewall?: boolean
  readonly ipv6?: boolean
  readonly udpBlocked?: boolean
  /** From the site to the core. */
  readonly link?: LinkProfile
  /** Within the site. */
  readonly lan?: LinkProfile
}

export interface Site {
  readonly name: string
  readonly router: Router
  /** One more host there. */
  host(name: string, clockOffsetMs?: number): Host
  /** Brings a host here from wherever it was. */
  plug(host: Host): void
}

export class Internet {
  readonly core: Segment
  readonly #world: World
  #given = 0
  #sites = 0

  constructor(world: World) {
    this.#world = world
    this.core = new Segment(world, 'core')
  }

  /** A host in a data centre, with as many addresses of its own as asked for, and one of IPv6. */
  server(name: string, { ips = 1, clockOffsetMs = 0 } = {}): Host {
    const host = new Host(this.#world, name, clockOffsetMs)
    const own = Array.from({ length: ips }, () => this.publicIp())
    const ipv6 = `2001:db8::${own[0]!.split('.').map(Number).map(hex).join(':')}`
    host.plug({ segment: this.core, ips: [...own, ipv6], link: DATA_CENTRE, hops: HOPS })
    return host
  }

  site(name: string, setting: SiteSetting = {}): Site {
    const inside = new Segment(this.#world, name)
    const outside = setting.carrier === undefined ? this.core : this.#carrier(name, setting)
    const link = setting.link ?? BROADBAND
    const address = setting.carrier === undefined ? this.publicIp() : '100.64.0.2'
    const router = new Router(this.#world, {
      name: `${name} router`,
      outside: { segment: outside, ips: [address], link, hops: outside === this.core ? HOPS : 0 },
      inside,
      firewall: setting.firewall ?? setting.nat !== undefined,
      ...(setting.nat && { nat: setting.nat }),
      ...(setting.udpBlocked && { udpBlocked: true }),
    })
    const number = ++this.#sites
    let hosts = 1
    const plug = (host: Host) => {
      const n = ++hosts
      const ipv4 = setting.nat === undefined ? this.publicIp() : `192.168.${number % 256}.${n}`
      const ips = setting.ipv6 ? [ipv4, `2001:db8:${hex(number)}::${hex(n)}`] : [ipv4]
      host.plug({ segment: inside, ips, link: setting.lan ?? WIRE })
    }
    const host = (label: string, clockOffsetMs = 0) => {
      const made = new Host(this.#world, label, clockOffsetMs)
      plug(made)
      return made
    }
    return { name, router, host, plug }
  }

  /** The next free one of 198.18.0.0/15. */
  publicIp(): string {
    const n = ++this.#given
    return `198.${18 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`
  }

  #carrier(name: string, { carrier, link = BROADBAND }: SiteSetting): Segment {
    const inside = new Segment(this.#world, `${name} carrier`)
    new Router(this.#world, {
      name: `${name} carrier router`,
      outside: { segment: this.core, ips: [this.publicIp()], link, hops: HOPS },
      inside,
      ...(carrier && { nat: carrier }),
    })
    return inside
  }
}

const hex = (number: number): string => number.toString(16)
