/** Carries the datagrams of one tunnel, and the packets of its streams, to its relay over TLS on TCP while UDP is dropped. */
import type { TlsEndpoint } from '../../shared/directory.ts'
import { ADDRESS_WORDS, type Address, formatIp, sameAddress } from '../../shared/wire/address.ts'
import type { Carrier } from './carrier.ts'
import type { Destination, Receive } from './dual-socket.ts'
import { RelayConnection } from './relay-connection.ts'
import { isUdx, UdxBridge } from './udx-bridge.ts'

export interface RelayTlsOptions {
  /** TLS endpoint of the relay at this UDP address; undefined if no relay is known there. */
  readonly endpointAt: (words: Uint32Array, at: number) => TlsEndpoint | undefined
  /** Address to connect to for the relay at this UDP address, whose family this host may lack. Default: the UDP address. */
  readonly hostOf?: (words: Uint32Array) => Address
  /** Called at every attempt if a relay is not as it was listed, so that the list of nodes is refreshed. */
  readonly missed: () => void
  /** Receives datagrams, with the relay's UDP address as the source address. */
  readonly receive: Receive
}

interface Leg {
  readonly relay: Uint32Array
  readonly connection: RelayConnection
  readonly bridge: UdxBridge
}

export class RelayTls implements Carrier {
  readonly #options: RelayTlsOptions
  /** One leg, or two while a tunnel changes its relay. */
  readonly #legs: Leg[] = []

  constructor(options: RelayTlsOptions) {
    this.#options = options
  }

  send(words: Uint32Array, at: number, bytes: Uint8Array): boolean {
    const leg = this.#legAt(words, at)
    leg?.connection.send(bytes)
    return leg !== undefined
  }

  destination(words: Uint32Array): Destination | undefined {
    return this.#legAt(words, 0)?.bridge.destination
  }

  close(): void {
    for (const { connection, bridge } of this.#legs.splice(0)) {
      connection.close()
      bridge.close()
    }
  }

  #legAt(words: Uint32Array, at: number): Leg | undefined {
    return this.#legs.find(({ relay }) => sameAddress(relay, 0, words, at)) ?? this.#begin(words, at)
  }

  #begin(words: Uint32Array, at: number): Leg | undefined {
    const { endpointAt, hostOf = (words) => ({ words }), missed, receive } = this.#options
    if (endpointAt(words, at) === undefined) return undefined
    const relay = words.slice(at, at + ADDRESS_WORDS)
    const connection = new RelayConnection({
      host: formatIp(hostOf(relay).words),
      endpoint: () => endpointAt(relay, 0),
      missed,
      receive: (bytes) => (isUdx(bytes) ? bridge.receive(bytes) : receive(bytes, relay)),
    })
    const bridge = new UdxBridge((packet) => connection.send(packet))
    const leg = { relay, connection, bridge }
    this.#legs.push(leg)
    return leg
  }
}
