/**
 * Transport without UDP, for networks that drop it: datagrams to CHECKPOINTs and HANDSHAKEs go through the gateway,
 * datagrams to relays go over TLS. The session's socket finds out whether UDP is dropped (net/home-socket.ts), and the
 * tunnels follow it.
 */

import type { Account } from '../shared/client/account.ts'
import { GatewayCarrier } from '../shared/client/gateway-carrier.ts'
import { GatewayLink, type LinkEvents } from '../shared/client/gateway-link.ts'
import { reachableFirst } from '../shared/core/families.ts'
import type { Carrier } from './net/carrier.ts'
import type { Receive } from './net/dual-socket.ts'
import { dialGateway } from './net/gateway-socket.ts'
import { hostIps } from './net/host-addresses.ts'
import { RelayTls } from './net/relay-tls.ts'

/** Swallows every datagram that no other carrier accepts. */
const NOWHERE: Carrier = { send: () => true, close: () => {} }

export class Carriage {
  readonly #account: Account
  readonly #udp: boolean
  readonly #link: GatewayLink

  /** `udp`: false if tunnels may never use UDP. If true, a tunnel's direct path may continue. */
  constructor(account: Account, udp: boolean) {
    this.#account = account
    this.#udp = udp
    this.#link = new GatewayLink({
      dial: dialGateway,
      url: () => account.websocket,
      proof: () => account.gatewayProof(),
      onGone: () => account.missed(),
    })
  }

  /** True if a CHECKPOINT has this address. */
  isNode(words: Uint32Array): boolean {
    return this.#account.nodeAt('checkpoint', words, 0) !== undefined
  }

  /** Makes the carrier of the session. */
  session(receive: Receive, events: LinkEvents): Carrier {
    const nodeAt = (words: Uint32Array, at: number) => this.#account.nodeAt('checkpoint', words, at)
    return new GatewayCarrier({ link: this.#link, service: 'checkpoint', nodeAt, receive, events })
  }

  /** Makes the carriers of a tunnel. */
  tunnel(receive: Receive): readonly Carrier[] {
    const nodeAt = (words: Uint32Array, at: number) => this.#account.nodeAt('handshake', words, at)
    const missed = () => this.#account.missed()
    const handshake = new GatewayCarrier({ link: this.#link, service: 'handshake', nodeAt, receive, missed })
    const endpointAt = (words: Uint32Array, at: number) => this.#account.relayTlsAt(words, at)
    const hostOf = (words: Uint32Array) => reachableFirst(hostIps(), this.#account.relayAddresses(words))[0]!
    const relay = new RelayTls({ endpointAt, hostOf, missed, receive })
    return this.#udp ? [handshake, relay] : [handshake, relay, NOWHERE]
  }

  networkChanged(): void {
    this.#link.renew()
  }
}
