/**
 * Runs the Endpoint of a peer (shared/core/peer) with sockets and INDEX. It carries out the endpoint's effects and
 * decides nothing. Effects that concern the application go to the peer.
 */
import { randomBytes } from 'node:crypto'
import type { Account } from '../shared/client/account.ts'
import type { Affair } from '../shared/client/client.ts'
import { type Home, whenStored } from '../shared/client/home.ts'
import { Endpoint } from '../shared/core/peer/endpoint.ts'
import type { EndpointEffect, EndpointInput, OwnPresence } from '../shared/core/peer/events.ts'
import { HOME_SOCKET } from '../shared/core/peer/socket-book.ts'
import { Tunnels } from '../shared/core/peer/tunnels.ts'
import { Turn } from '../shared/core/peer/turn.ts'
import type { Identity } from '../shared/crypto/identity.ts'
import { Random } from '../shared/crypto/random.ts'
import { now } from '../shared/drive/clock.ts'
import type { Loop } from '../shared/drive/loop.ts'
import { Carriage } from './carriage.ts'
import { drive } from './net/drive.ts'
import { EndpointSockets } from './net/endpoint-sockets.ts'
import { HomeSocket } from './net/home-socket.ts'
import { hostIps } from './net/host-addresses.ts'
import { NetworkWatch } from './net/network-watch.ts'
import { PortMapping } from './net/port-mapping.ts'
import { TunnelHost } from './tunnel-host.ts'

/** Shared by all peers of the process, because they are behind the same router. */
const SCATTER_TURN = new Turn()

export interface EndpointDriverOptions {
  readonly identity: Identity
  readonly home: Home
  readonly account: Account
  readonly presence: OwnPresence
  readonly scatter: boolean
  /** False if UDP must never be used. */
  readonly udp: boolean
  readonly affair: (effect: Affair) => void
  /** Reports an error that does not resolve itself. `input`: the input at which the endpoint threw, which has no effect. */
  readonly fault: (error: unknown, input?: EndpointInput) => void
}

export class EndpointDriver {
  readonly tunnels: TunnelHost
  readonly #options: EndpointDriverOptions
  readonly #loop: Loop<EndpointInput, EndpointEffect>
  readonly #home: HomeSocket
  readonly #sockets: EndpointSockets
  readonly #mapping: PortMapping
  readonly #watch: NetworkWatch
  readonly #carriage: Carriage
  #closed = false

  constructor(options: EndpointDriverOptions) {
    const { identity, home, account, presence, scatter, udp, fault } = options
    this.#options = options
    this.#carriage = new Carriage(account, udp)
    this.#home = this.#homeSocket(udp)
    this.#sockets = new EndpointSockets({
      home: this.#home,
      receive: (bytes, words, socket) => this.#loop.receive(bytes, words, socket),
      carry: (receive) => this.#carriage.tunnel(receive),
    })
    const endpoint = new Endpoint({
      identity,
      presence,
      tunnels: (random) => new Tunnels({ random, scatter, turn: SCATTER_TURN }),
      random: new Random(randomBytes(32)),
      epoch: now(),
      memory: home.delivered,
      ...(home.prekeys && { prekeys: home.prekeys }),
    })
    this.#loop = drive(endpoint, {
      send: (batch, i) => this.#sockets.send(batch, i),
      perform: (effect) => this.#perform(effect),
      fault,
    })
    this.#mapping = new PortMapping(fault)
    this.tunnels = new TunnelHost({
      sockets: this.#sockets,
      mapping: this.#mapping,
      handle: (input) => this.handle(input),
      statusOf: (tunnel) => endpoint.tunnels.machineOf(tunnel)?.status,
    })
    this.#watch = new NetworkWatch(() => this.#networkChanged())
    account.onNodes = () => this.#tellNodes()
  }

  /** Starts the endpoint. Call it when the peer can receive effects. */
  begin(): void {
    const { account } = this.#options
    this.handle({ kind: 'host', ips: hostIps() })
    if (this.#home.isCarried) this.tunnels.setUdp(true)
    this.handle({ kind: 'ticket', ...account.signInTicket })
    this.#tellNodes()
  }

  /** True if the network is known to drop UDP, or UDP is not wanted. */
  get isBlocked(): boolean {
    return this.#sockets.isBlocked
  }

  handle(input: EndpointInput): void {
    this.#loop.handle(input)
  }

  /** Ends the tunnels, then signs out at the node. */
  async close(): Promise<void> {
    this.#closed = true
    this.#options.account.close()
    await this.tunnels.close()
    this.handle({ kind: 'leave' })
    this.#loop.close()
    this.#sockets.closeAll()
    await Promise.all([this.#home.close(), this.#watch.close()])
  }

  #homeSocket(udp: boolean): HomeSocket {
    return new HomeSocket({
      receive: (bytes, words) => this.#loop.receive(bytes, words, HOME_SOCKET),
      udp,
      carry: (receive, events) => this.#carriage.session(receive, events),
      isNode: (words) => this.#carriage.isNode(words),
      onCarried: (since) => this.#onCarried(since),
      onMoved: () => this.handle({ kind: 'homeMoved' }),
      onPort: () => {
        this.#sockets.doubt()
        this.handle({ kind: 'homeMoved' })
      },
    })
  }

  /**
   * Handles that the session left or returned to UDP. Perhaps only the CHECKPOINT's port is blocked: if other services
   * or peers were heard over UDP since then, UDP is not blocked.
   */
  #onCarried(since: number | undefined): void {
    const isBlocked = since !== undefined && !this.#sockets.heardSince(since)
    if (isBlocked !== this.#sockets.isBlocked) this.tunnels.setUdp(isBlocked)
  }

  #perform(effect: EndpointEffect): void {
    switch (effect.kind) {
      case 'ticketWanted':
        this.#ask(async () => {
          await this.#options.account.renewTicket()
          this.handle({ kind: 'ticket', ...this.#options.account.signInTicket })
        })
        break
      case 'nodesWanted':
        this.#ask(() => this.#options.account.refreshNodes())
        break
      case 'prekeys':
        whenStored(
          this.#options.home.keepPrekeys(effect.prekeys),
          () => this.handle({ kind: 'prekeysStored' }),
          this.#options.fault,
        )
        break
      case 'openSockets':
      case 'closeSockets':
      case 'lookAtRouter':
      case 'mapPort':
      case 'unmapPort':
      case 'path':
      case 'interrupted':
      case 'security':
      case 'datagram':
      case 'streamOpen':
      case 'streamAccepted':
      case 'streamRefused':
      case 'released':
      case 'closed':
        this.tunnels.perform(effect)
        break
      default:
        this.#options.affair(effect)
    }
  }

  #ask(ask: () => Promise<unknown>): void {
    ask().catch((error) => {
      if (!this.#closed) this.#options.fault(error)
    })
  }

  #tellNodes(): void {
    const { checkpoints: nodes, stun } = this.#options.account
    this.handle({ kind: 'nodes', nodes, stun })
  }

  #networkChanged(): void {
    this.#options.account.hurry()
    this.#carriage.networkChanged()
    this.#home.networkChanged()
    this.#sockets.networkChanged()
    this.#mapping.networkChanged()
    this.handle({ kind: 'moved', ips: hostIps() })
  }
}
