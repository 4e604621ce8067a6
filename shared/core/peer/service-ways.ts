/** Decides for one socket whether each service is reached over UDP or a carrier, from the requests it sends and the answers. */
import { ADDRESS_WORDS, sameAddress } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import { KIND, RELAY_PREFIX, VERSION } from '../../wire/numbers.ts'
import { isRelayControl } from '../../wire/relay.ts'
import { ServiceWay, type ServiceWayKind } from './service-way.ts'

export type Service = 'handshake' | 'relay'

/** Up to two HANDSHAKEs and two relays, each over IPv4 and IPv6. The oldest is forgotten. */
const MOST = 8

interface Known {
  readonly words: Uint32Array
  readonly service: Service
  readonly way: ServiceWay
}

export class ServiceWays {
  readonly #doubtful: Set<Service>
  readonly #known: Known[] = []

  /** `doubtful`: services to which UDP did not work from here, shared by all sockets. */
  constructor(doubtful: Set<Service>) {
    this.#doubtful = doubtful
  }

  /** The way for datagram i of a batch, which leaves now. */
  leaving(batch: Batch, i: number, now: number): ServiceWayKind {
    const at = i * ADDRESS_WORDS
    const service = askedService(batch, i)
    const known =
      this.#at(batch.address, at) ??
      (service && this.#add(batch.address.slice(at, at + ADDRESS_WORDS), service))
    if (known === undefined) return 'udp'
    if (service !== undefined) known.way.asked(now)
    if (known.way.kind !== 'udp') this.#doubtful.add(known.service)
    return known.way.kind
  }

  /** The way for packets of streams to this address. */
  to(words: Uint32Array): ServiceWayKind {
    return this.#at(words, 0)?.way.kind ?? 'udp'
  }

  /**
   * Handles a received datagram. Returns true if datagrams to that service go another way from now on. Of a relay, only
   * its own control messages count: the data that it forwards may be shorter than what the way must carry.
   */
  heard(by: 'udp' | 'carrier', words: Uint32Array, bytes: Uint8Array): boolean {
    const known = this.#at(words, 0)
    if (known === undefined || (known.service === 'relay' && !isControl(bytes))) return false
    const before = known.way.kind
    known.way.heard(by)
    if (by === 'udp') this.#doubtful.delete(known.service)
    return known.way.kind !== before
  }

  #at(words: Uint32Array, at: number): Known | undefined {
    return this.#known.find((known) => sameAddress(known.words, 0, words, at))
  }

  #add(words: Uint32Array, service: Service): Known {
    const known = { words, service, way: new ServiceWay(this.#doubtful.has(service)) }
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
