/**
 * Chooses the UDP port at which a service of a node is asked: its own one or, where that is silent, a common port of the
 * node (wire/common-port.ts). The first port that answers is used from then on. The own port is preferred: it is used again
 * as soon as it is heard.
 */
import { COMMON_PORTS } from '../../wire/common-port.ts'

/** Stands for the own port of the service. */
export const OWN_PORT = 0
const ALL = [OWN_PORT, ...COMMON_PORTS]
/** Requests to one common port before the other one is asked, if they are asked in turn. */
const REQUESTS_PER_PORT = 2

export interface ServicePortOptions {
  /** Port that answered here before. Default: the own one. */
  readonly port?: number | undefined
  /** The service would mistake the same request from two addresses for two requests: one common port is asked at a time. */
  readonly inTurn?: boolean
}

export class ServicePort {
  readonly #inTurn: boolean
  #port: number
  #requests = 0

  constructor({ port = OWN_PORT, inTurn = false }: ServicePortOptions = {}) {
    this.#port = port
    this.#inTurn = inTurn
  }

  /** The port that is used while it answers. */
  get port(): number {
    return this.#port
  }

  /** The ports for the next request to a service that does not answer. */
  asked(): readonly number[] {
    const others = ALL.filter((port) => port !== this.#port)
    if (!this.#inTurn) return [this.#port, ...others]
    const turn = Math.floor(this.#requests++ / REQUESTS_PER_PORT)
    return [this.#port, others[turn % others.length]!]
  }

  /** Notes that the service was heard at a port. `isAsked`: it did not answer before. True if another port is used now. */
  heard(port: number, isAsked: boolean): boolean {
    const before = this.#port
    if (isAsked || port === OWN_PORT) this.#port = port
    this.#requests = 0
    return this.#port !== before
  }

  /** The network changed: the own port may work in it. */
  forget(): void {
    this.#port = OWN_PORT
  }
}
