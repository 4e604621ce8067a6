/**
 * The TCP connections of a host whose network drops UDP: WebSocket to a gateway, TLS to a relay. They reach only the services
 * that accept TCP. They take a while to open, lose nothing and keep the order. The service sees the host at an address in
 * 100::/64, which no real datagram can come from (RFC 6666).
 */
import { DATA_CENTRE, type LinkProfile } from './link.ts'
import type { Endpoint, Packet } from './packet.ts'
import type { Attachment, Member, Segment } from './segment.ts'
import type { World } from './world.ts'

/** Round trips to open a connection: one each for TCP, TLS and the upgrade. */
const OPENING_ROUND_TRIPS = 3

export interface CarrierSetting {
  readonly name: string
  readonly core: Segment
  /** Routers of the core between its middle and the site. */
  readonly hops: number
  /** Number of this host among the carried ones, starting at 1. */
  readonly number: number
  /** Link from the site to the core, as datagrams would see it. Its loss, duplicates and reordering do not apply here. */
  readonly link: LinkProfile
  /** True if a service at this endpoint accepts connections. */
  readonly serves: (to: Endpoint) => boolean
}

const PREFIX = '100::'

export const isCarried = (ip: string): boolean => ip.startsWith(PREFIX)

export class Carrier implements Member {
  readonly name: string
  readonly #world: World
  readonly #setting: CarrierSetting
  readonly #attachment: Attachment
  readonly #ip: string
  readonly #deliver: (packet: Packet) => void
  readonly #openAt = new Map<string, number>()

  constructor(world: World, setting: CarrierSetting, deliver: (packet: Packet) => void) {
    this.name = setting.name
    this.#world = world
    this.#setting = setting
    this.#deliver = deliver
    this.#ip = `${PREFIX}${setting.number.toString(16)}`
    const link = { ...setting.link, loss: 0, duplicate: 0, reorder: 0 }
    this.#attachment = setting.core.attach(this, { ips: [this.#ip], link, hops: setting.hops })
  }

  serves(to: Endpoint): boolean {
    return this.#setting.serves(to)
  }

  send(packet: Packet): void {
    const carried = { ...packet, from: { ip: this.#ip, port: packet.from.port } }
    this.#world.at(this.#opened(packet.to), () => this.#setting.core.carry(carried, this.#attachment))
  }

  arrive(packet: Packet): void {
    this.#deliver(packet)
  }

  close(): void {
    this.#setting.core.detach(this.#attachment)
  }

  /** Time at which the connection to this service is or was open. The first packet starts opening it. */
  #opened(to: Endpoint): number {
    const service = `${to.ip} ${to.port}`
    const roundTripMs = 2 * (this.#setting.link.latencyMs + DATA_CENTRE.latencyMs)
    const at = this.#openAt.get(service) ?? this.#world.now + OPENING_ROUND_TRIPS * roundTripMs
    this.#openAt.set(service, at)
    return at
  }
}
