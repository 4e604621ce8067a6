/** Which way each service is reached from one socket, found out from what the socket asks and what is answered. */
import { ServiceWay, type ServiceWayKind } from '../../shared/core/peer/service-way.ts'
import { ADDRESS_WORDS, sameAddress } from '../../shared/wire/address.ts'
import type { Batch } from '../../shared/wire/batch.ts'
import { KIND, RELAY_PREFIX, VERSION } from '../../shared/wire/numbers.ts'
import { isRelayControl } from '../../shared/wire/relay.ts'

export type Service = 'handshake' | 'relay'

/** A HANDSHAKE or two and a relay or two, each over IPv4 and IPv6; the oldest is forgotten. */
const MOST = 8

interface Known {
  readonly words: Uint32Array
  readonly service: Service
  readonly way: ServiceWay
}

export class ServiceWays {
  readonly #doubtful: Set<Service>
  readonly #known: Known[] = []

  /** `doubtful`: those to which UDP did not work from here, shared by all sockets. */
  constructor(doubtful: Set<Service>) {
    this.#doubtful = doubtful
  }

  /** Datagram i of a batch leaves now: by which way. */
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

  /** Where packets of streams go that are sent there now. */
  to(words: Uint32Array): ServiceWayKind {
    return this.#at(words, 0)?.way.kind ?? 'udp'
  }

  /**
   * True if what is for that service goes another way from now on. Only what a relay says itself counts: data that it passes on
   * may be shorter than what the way must carry.
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

/** The service that always answers such a datagram. */
function askedService(batch: Batch, i: number): Service | undefined {
  if (isRelayControl(batch, i)) return 'relay'
  const at = batch.start(i)
  return batch.bytes[at] === VERSION && batch.bytes[at + 1] === KIND.JOIN ? 'handshake' : undefined
}
