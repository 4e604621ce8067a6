/**
 * How this peer's datagrams travel while its network drops UDP: to CHECKPOINTs and HANDSHAKEs through the gateway, to relays
 * by TLS. Whether it does is found out by the session's socket (net/home-socket.ts) and holds for the tunnels too.
 */
import type { Account } from './account.ts'
import type { Carrier } from './net/carrier.ts'
import type { Receive } from './net/dual-socket.ts'
import { GatewayCarrier } from './net/gateway-carrier.ts'
import { GatewayLink, type LinkEvents } from './net/gateway-link.ts'
import { RelayTls } from './net/relay-tls.ts'

export class Carriage {
  readonly #account: Account
  readonly #link: GatewayLink

  constructor(account: Account) {
    this.#account = account
    this.#link = new GatewayLink({
      url: () => account.websocket,
      proof: () => account.gatewayProof(),
      onGone: () => account.missed(),
    })
  }

  get isGatewayOpen(): boolean {
    return this.#link.isOpen
  }

  /** Whether a CHECKPOINT is at that address. */
  isNode(words: Uint32Array): boolean {
    return this.#account.nodeAt('checkpoint', words, 0) !== undefined
  }

  /** What carries the session. */
  session(receive: Receive, events: LinkEvents): Carrier {
    const nodeAt = (words: Uint32Array, at: number) => this.#account.nodeAt('checkpoint', words, at)
    return new GatewayCarrier({ link: this.#link, service: 'checkpoint', nodeAt, receive, events })
  }

  /** What carries a tunnel. */
  tunnel(receive: Receive): readonly Carrier[] {
    const nodeAt = (words: Uint32Array, at: number) => this.#account.nodeAt('handshake', words, at)
    const handshake = new GatewayCarrier({ link: this.#link, service: 'handshake', nodeAt, receive })
    const relay = new RelayTls({
      endpointAt: (words, at) => this.#account.relayTlsAt(words, at),
      missed: () => this.#account.missed(),
      receive,
    })
    return [handshake, relay, this.#nowhere]
  }

  /** Takes the rest, so that none of it goes by UDP: it is for a node that is not known yet, or for nobody. */
  get #nowhere(): Carrier {
    const send = () => {
      this.#account.missed()
      return true
    }
    return { send, close: () => {} }
  }

  networkChanged(): void {
    this.#link.renew()
  }
}
