/**
 * Decides when the tunnels look at the NAT, the router and the lifetime of mappings, and which STUN servers they ask, so that
 * all of it is known before it is needed.
 */
import type { Address } from '../../wire/address.ts'
import type { EndpointInput, PlacedStun, TunnelsInput } from './events.ts'
import { PublicAddress } from './public-address.ts'

type Nodes = Extract<EndpointInput, { kind: 'nodes' }>
type Moved = Extract<EndpointInput, { kind: 'moved' }>
type Udp = Extract<EndpointInput, { kind: 'udp' }>

export class Lookout {
  readonly #toTunnels: (input: TunnelsInput) => void
  #nodes: Nodes | undefined
  /** False until the first sign-in: the NAT survey that began with the list of nodes is still fresh then. */
  #wasOnline = false
  #isOnline = false
  #udpBlocked = false
  readonly #publicAddress = new PublicAddress()

  constructor(toTunnels: (input: TunnelsInput) => void) {
    this.#toTunnels = toTunnels
  }

  nodes(input: Nodes): void {
    const isFirst = this.#nodes === undefined
    this.#nodes = input
    this.#tellStun(undefined)
    if (isFirst) this.#lookAround()
  }

  /** This peer is signed in at a node. */
  online(at: string): void {
    this.#isOnline = true
    this.#tellStun(this.#nodes?.nodes.find(({ node }) => node === at)?.region)
    if (this.#wasOnline) this.#lookAround()
    else if (!this.#udpBlocked) this.#toTunnels({ kind: 'lookAtNat', unlessKnown: true })
    this.#wasOnline = true
    this.#toTunnels({ kind: 'findInterval' })
  }

  offline(): void {
    this.#isOnline = false
  }

  /** The addresses of the host changed. */
  moved(input: Moved): void {
    this.#publicAddress.expect()
    if (!this.#udpBlocked && this.#nodes !== undefined)
      this.#toTunnels({ kind: 'lookAtNat', unlessKnown: false })
    this.#toTunnels(input)
    if (this.#isOnline) this.#toTunnels({ kind: 'findInterval' })
  }

  /** UDP is known to be dropped, or works again. */
  udp(input: Udp): void {
    if (this.#udpBlocked === input.blocked) return
    this.#udpBlocked = input.blocked
    this.#toTunnels(input)
    this.#lookAround()
    if (this.#isOnline) this.#toTunnels({ kind: 'findInterval' })
  }

  /** A router maps a port. True if it has another public address than before, so the session has to move. */
  mapped(external: Address | undefined): boolean {
    return this.#publicAddress.mapped(external)
  }

  /**
   * A node sees this endpoint at an address. Returns true if it is another one than before. If the host has not moved, tunnels
   * have to be found anew, and nothing that is known of the NAT counts any more.
   */
  seen(observed: Address): boolean {
    const seen = this.#publicAddress.seen(observed)
    if (seen === 'surprise') {
      this.#toTunnels({ kind: 'renumbered' })
      this.#lookAround()
      this.#toTunnels({ kind: 'findInterval' })
    }
    return seen !== 'same'
  }

  /** Sets the STUN servers, those in the region of our node first. */
  #tellStun(region: string | undefined): void {
    const servers = this.#nodes?.stun ?? []
    const isNear = (server: PlacedStun) => server.region === region
    const near = region === undefined ? servers : servers.filter(isNear)
    const far = region === undefined ? [] : servers.filter((server) => !isNear(server))
    this.#toTunnels({ kind: 'stun', servers: [...near, ...far] })
  }

  /** Surveys the NAT and the router. */
  #lookAround(): void {
    if (this.#udpBlocked || this.#nodes === undefined) return
    this.#toTunnels({ kind: 'lookAtNat', unlessKnown: false })
    this.#toTunnels({ kind: 'lookAtRouter' })
  }
}
