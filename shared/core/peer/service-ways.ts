/**
 * Decides for one socket whether each service is reached over UDP, and at which port, or by a carrier. It learns that from
 * the requests that the socket sends and the answers. Machines know a service by its own address, whatever the way.
 */
import { ADDRESS_WORDS, PORT_WORD, sameAddress, sameIp } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import { COMMON_PORTS, isFromRelay } from '../../wire/common-port.ts'
import { KIND, RELAY_PREFIX, VERSION } from '../../wire/numbers.ts'
import { isRelayControl } from '../../wire/relay.ts'
import { isStun } from '../../wire/stun.ts'
import { OWN_PORT } from './service-port.ts'
import { ServiceWay, type ServiceWayKind } from './service-way.ts'

export type Service = 'handshake' | 'relay'

/** Up to two HANDSHAKEs and two relays, each over IPv4 and IPv6. The oldest is forgotten. */
const MOST = 8

interface Known {
  readonly words: Uint32Array
  readonly service: Service
  readonly way: ServiceWay
}

/** How a datagram leaves: the kind of its way, and the UDP ports to which it goes. 0 is the port in its address. */
export interface Leaving {
  readonly kind: ServiceWayKind
  readonly ports: readonly number[]
}

const PLAIN: Leaving = { kind: 'udp', ports: [OWN_PORT] }
const isCommon = (port: number): boolean => (COMMON_PORTS as readonly number[]).includes(port)

/** Knowledge that the sockets of an endpoint have of services in this network: see `ServiceWayOptions.known`. */
export class Experience {
  readonly #known = new Map<Service, number | 'none'>()

  of(service: Service): number | 'none' | undefined {
    return this.#known.get(service)
  }

  learn(service: Service, port: number | 'none'): void {
    if (port === OWN_PORT) this.#known.delete(service)
    else this.#known.set(service, port)
  }

  /** The own port of another service is blocked, so that of these may be blocked too. */
  doubt(): void {
    for (const service of ['handshake', 'relay'] as const)
      if (!this.#known.has(service)) this.#known.set(service, 'none')
  }

  forget(): void {
    this.#known.clear()
  }
}

export class ServiceWays {
  readonly #experience: Experience
  readonly #known: Known[] = []

  /** `experience`: shared by all sockets. */
  constructor(experience: Experience) {
    this.#experience = experience
  }

  /** The way for datagram i of a batch, which leaves now. */
  leaving(batch: Batch, i: number, now: number): Leaving {
    const at = i * ADDRESS_WORDS
    const service = askedService(batch, i)
    const known =
      this.#at(batch.address, at) ??
      (service && this.#add(batch.address.slice(at, at + ADDRESS_WORDS), service))
    if (known === undefined) return PLAIN
    const { way } = known
    if (service !== undefined) way.asked(now)
    if (way.kind !== 'udp') this.#experience.learn(known.service, 'none')
    return { kind: way.kind, ports: way.ports() }
  }

  /** The way for packets of streams to this address, and their UDP port; 0 for that in the address. */
  to(words: Uint32Array): { readonly kind: ServiceWayKind; readonly port: number } {
    return this.#at(words, 0)?.way ?? { kind: 'udp', port: OWN_PORT }
  }

  /** The address by which machines know the sender of a datagram: its own address if it is a service at a common port. */
  sourceOf(words: Uint32Array, bytes: Uint8Array): Uint32Array {
    return this.#sender(words, bytes)?.words ?? words
  }

  /**
   * Handles a received datagram. Returns true if datagrams to that service go another way from now on. Of a relay, only
   * its own control messages count: the data that it forwards may be shorter than what the way must carry.
   */
  heard(by: 'udp' | 'carrier', words: Uint32Array, bytes: Uint8Array): boolean {
    const known = this.#sender(words, bytes)
    if (known === undefined || (known.service === 'relay' && !isControl(bytes))) return false
    const { way } = known
    const before = { kind: way.kind, port: way.port }
    way.heard(by, words[PORT_WORD] === known.words[PORT_WORD] ? OWN_PORT : words[PORT_WORD]!)
    if (by === 'udp') this.#experience.learn(known.service, way.port)
    return way.kind !== before.kind || way.port !== before.port
  }

  #sender(words: Uint32Array, bytes: Uint8Array): Known | undefined {
    const own = this.#at(words, 0)
    if (own !== undefined || !isCommon(words[PORT_WORD]!) || isStun(bytes)) return own
    const service = isFromRelay(bytes) ? 'relay' : 'handshake'
    return this.#known.findLast((known) => known.service === service && sameIp(known.words, 0, words, 0))
  }

  #at(words: Uint32Array, at: number): Known | undefined {
    return this.#known.find((known) => sameAddress(known.words, 0, words, at))
  }

  #add(words: Uint32Array, service: Service): Known {
    const options = { known: this.#experience.of(service), inTurn: service === 'handshake' }
    const known = { words, service, way: new ServiceWay(options) }
    this.#known.push(known)
    if (this.#known.length > MOST) this.#known.shift()
    return known
  }
}

const isControl = (bytes: Uint8Array): boolean => RELAY_PREFIX.every((byte, i) => bytes[i] === byte)

/** The service that always answers this datagram, if any. */
function askedService(batch: Batch, i: number): Service | undefined {
  if (isRelayControl(batch, i)) return 'relay'
  const at = batch.start(i)
  return batch.bytes[at] === VERSION && batch.bytes[at + 1] === KIND.JOIN ? 'handshake' : undefined
}
