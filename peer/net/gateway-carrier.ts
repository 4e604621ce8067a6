import type { CarriedService } from '../../shared/carried.ts'
import type { NodeId } from '../../shared/ids.ts'
import { ADDRESS_WORDS } from '../../shared/wire/address.ts'
import { KIND, VERSION } from '../../shared/wire/numbers.ts'
import type { Carrier } from './carrier.ts'
import type { Receive } from './dual-socket.ts'
import type { GatewayLink, LinkEvents, LinkPort } from './gateway-link.ts'

export interface GatewayCarrierOptions {
  readonly link: GatewayLink
  readonly service: CarriedService
  /** Whose address of that service it is, as far as is known. */
  readonly nodeAt: (words: Uint32Array, at: number) => NodeId | undefined
  /** Gets what comes, as from the address of the node that was last sent to. */
  readonly receive: Receive
  readonly events?: LinkEvents
  /** A HANDSHAKE is not known: ask who there is. */
  readonly missed?: () => void
}

/** Carries what one socket and one service of the nodes say to each other, through the gateway. */
export class GatewayCarrier implements Carrier {
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
