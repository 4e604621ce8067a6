import type { CarriedService } from '../carried.ts'
import type { NodeId } from '../ids.ts'
import { ADDRESS_WORDS } from '../wire/address.ts'
import { KIND, VERSION } from '../wire/numbers.ts'
import type { GatewayLink, LinkEvents, LinkPort } from './gateway-link.ts'

/** Receives a datagram. It may keep `bytes`, but not `words`. */
export type Receive = (bytes: Uint8Array, words: Uint32Array) => void

export interface GatewayCarrierOptions {
  readonly link: GatewayLink
  readonly service: CarriedService
  /** The node that has this address for the service; undefined if unknown. */
  readonly nodeAt: (words: Uint32Array, at: number) => NodeId | undefined
  /** Receives datagrams, with the address at which their node was last sent to as the source address. */
  readonly receive: Receive
  readonly events?: LinkEvents
  /** Called if a HANDSHAKE is unknown, so that the list of nodes is refreshed. */
  readonly missed?: () => void
}

/** Carries the datagrams between one socket and one service of the nodes through the gateway. */
export class GatewayCarrier {
  readonly #nodeAt: GatewayCarrierOptions['nodeAt']
  readonly #missed: () => void
  readonly #port: LinkPort
  readonly #addresses = new Map<NodeId, Uint32Array>()

  constructor({ link, service, nodeAt, receive, events, missed = () => {} }: GatewayCarrierOptions) {
    this.#nodeAt = nodeAt
    this.#missed = missed
    const arrived = (bytes: Uint8Array, node: NodeId) => {
      const words = this.#addresses.get(node)
      if (words !== undefined) receive(bytes, words)
    }
    this.#port = link.open({ service, receive: arrived, events })
  }

  /** Returns true if a node has this address; the datagram then arrives or is lost as over UDP. */
  send(words: Uint32Array, at: number, bytes: Uint8Array): boolean {
    const node = this.#nodeAt(words, at)
    if (node === undefined) {
      if (isJoin(bytes)) this.#missed()
      return false
    }
    this.#addresses.set(node, words.slice(at, at + ADDRESS_WORDS))
    this.#port.send(node, bytes)
    return true
  }

  close(): void {
    this.#port.close()
  }
}

const isJoin = (bytes: Uint8Array): boolean => bytes[0] === VERSION && bytes[1] === KIND.JOIN
