/**
 * Runs the Endpoint of a peer (shared/core/peer) in a browser: its datagrams travel through the gateway. It carries out the
 * endpoint's effects and decides nothing.
 */
import type { Account } from '../shared/client/account.ts'
import type { Affair } from '../shared/client/client.ts'
import { GatewayCarrier } from '../shared/client/gateway-carrier.ts'
import { GatewayLink } from '../shared/client/gateway-link.ts'
import { type Home, whenStored } from '../shared/client/home.ts'
import { Endpoint } from '../shared/core/peer/endpoint.ts'
import type { EndpointEffect, EndpointInput, OwnPresence } from '../shared/core/peer/events.ts'
import { NoTunnels } from '../shared/core/peer/no-tunnels.ts'
import { HOME_SOCKET } from '../shared/core/peer/socket-book.ts'
import type { Identity } from '../shared/crypto/identity.ts'
import { Random } from '../shared/crypto/random.ts'
import { now } from '../shared/drive/clock.ts'
import { Loop } from '../shared/drive/loop.ts'
import { ADDRESS_WORDS } from '../shared/wire/address.ts'
import type { Batch } from '../shared/wire/batch.ts'
import { dialGateway } from './gateway-socket.ts'
import { PageWatch } from './page-watch.ts'

const SEED_BYTES = 32

export interface DriverOptions {
  readonly identity: Identity
  readonly home: Home
  readonly account: Account
  readonly presence: OwnPresence
  readonly affair: (effect: Affair) => void
  /** Reports an error that does not resolve itself. `input`: the input at which the endpoint threw, which has no effect. */
  readonly fault: (error: unknown, input?: EndpointInput) => void
}

export class Driver {
  readonly #options: DriverOptions
  readonly #loop: Loop<EndpointInput, EndpointEffect>
  readonly #link: GatewayLink
  readonly #session: GatewayCarrier
  readonly #watch: PageWatch
  #closed = false

  constructor(options: DriverOptions) {
    const { identity, home, account, presence, fault } = options
    this.#options = options
    const endpoint = new Endpoint({
      identity,
      presence,
      tunnels: () => new NoTunnels(),
      random: new Random(crypto.getRandomValues(new Uint8Array(SEED_BYTES))),
      epoch: now(),
      memory: home.delivered,
      ...(home.prekeys && { prekeys: home.prekeys }),
    })
    this.#loop = new Loop<EndpointInput, EndpointEffect>(endpoint, {
      send: (batch) => this.#send(batch),
      perform: (effect) => void this.#perform(effect),
      fault: (told) => {
        if (told.kind === 'effect') reportError(told.error)
        else fault(told.error, told.kind === 'input' ? told.input : undefined)
      },
    })
    this.#link = new GatewayLink({
      dial: dialGateway,
      url: () => account.websocket,
      proof: () => account.gatewayProof(),
      onGone: () => account.missed(),
    })
    this.#session = new GatewayCarrier({
      link: this.#link,
      service: 'checkpoint',
      nodeAt: (words, at) => account.nodeAt('checkpoint', words, at),
      receive: (bytes, words) => this.#loop.receive(bytes, words, HOME_SOCKET),
      events: { failed: () => {}, reopened: () => this.handle({ kind: 'homeMoved' }) },
    })
    this.#watch = new PageWatch({ woke: () => this.#woke(), ends: () => this.handle({ kind: 'leave' }) })
    account.onNodes = () => this.#tellNodes()
  }

  /** Starts the endpoint. Call it when the peer can receive effects. */
  begin(): void {
    this.handle({ kind: 'udp', blocked: true })
    this.handle({ kind: 'ticket', ...this.#options.account.signInTicket })
    this.#tellNodes()
  }

  handle(input: EndpointInput): void {
    this.#loop.handle(input)
  }

  /** Signs out at the node. */
  close(): void {
    this.#closed = true
    this.#options.account.close()
    this.handle({ kind: 'leave' })
    this.#loop.close()
    this.#session.close()
    this.#watch.close()
  }

  #send(batch: Batch): boolean {
    for (let i = 0; i < batch.count; i++)
      if (batch.socket[i] === HOME_SOCKET) this.#session.send(batch.address, i * ADDRESS_WORDS, batch.at(i))
    return false
  }

  #perform(effect: EndpointEffect): void {
    const { account, home, affair, fault } = this.#options
    switch (effect.kind) {
      case 'ticketWanted':
        this.#ask(async () => {
          await account.renewTicket()
          this.handle({ kind: 'ticket', ...account.signInTicket })
        })
        break
      case 'nodesWanted':
        this.#ask(() => account.refreshNodes())
        break
      case 'prekeys':
        whenStored(home.keepPrekeys(effect.prekeys), () => this.handle({ kind: 'prekeysStored' }), fault)
        break
      case 'openSockets':
      case 'closeSockets':
      case 'lookAtRouter':
      case 'mapPort':
      case 'unmapPort':
      case 'path':
      case 'security':
      case 'interrupted':
      case 'datagram':
      case 'streamOpen':
      case 'streamAccepted':
      case 'streamRefused':
      case 'released':
      case 'closed':
        break
      default:
        affair(effect)
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

  /** Whatever waits tries again, the link is opened anew, and the session shows that it is still there or ends. */
  #woke(): void {
    this.#options.account.hurry()
    this.#link.renew()
    this.handle({ kind: 'moved', ips: [] })
  }
}
