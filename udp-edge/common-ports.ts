/**
 * The common ports of a node (shared/wire/common-port.ts): each is one UDP socket that all services of the node share. To a
 * service it is one more socket, through which it answers what came through it.
 *
 * A common port that cannot be bound is left out. Port numbers below 1,024 need a permission, and another program may
 * already use them. Each service still has its own port.
 */
import type { Address } from '../shared/wire/address.ts'
import { ADDRESS_WORDS } from '../shared/wire/address.ts'
import { Batch } from '../shared/wire/batch.ts'
import { type CommonService, serviceOf } from '../shared/wire/common-port.ts'
import type { Bind, DatagramSocket, Endpoint, Inbox, SocketCounters } from './socket.ts'

export interface CommonPortsOptions {
  readonly host: string
  readonly ports: readonly number[]
  readonly bind: Bind
  readonly log: (what: string, why: unknown) => void
}

export class CommonPorts {
  readonly #shared: readonly SharedSocket[]
  readonly #bind: Bind

  private constructor(shared: readonly SharedSocket[], bind: Bind) {
    this.#shared = shared
    this.#bind = bind
  }

  static async open({ host, ports, bind, log }: CommonPortsOptions): Promise<CommonPorts> {
    const opening = ports.map((port) => SharedSocket.open({ host, port }, bind))
    const outcomes = await Promise.allSettled(opening)
    const shared = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    for (const [i, outcome] of outcomes.entries())
      if (outcome.status === 'rejected') log(`UDP port ${ports[i]} is not served`, outcome.reason)
    return new CommonPorts(shared, bind)
  }

  /** The sockets of a service beside its own one. */
  get endpoints(): readonly Endpoint[] {
    return this.#shared.map(({ endpoint }) => endpoint)
  }

  /** Binds sockets of a service. At a common port it gets its part of the shared socket; `own` binds its other sockets. */
  bindFor(service: CommonService, own: Bind = this.#bind): Bind {
    return async (endpoint, inbox) => {
      const shared = this.#shared.find((it) => it.isAt(endpoint))
      return shared === undefined ? own(endpoint, inbox) : shared.join(service, inbox)
    }
  }

  /** Closes the ports that no service uses. The others close with the last service. */
  async closeUnused(): Promise<void> {
    await Promise.all(this.#shared.map((shared) => shared.closeUnused()))
  }
}

class SharedSocket {
  readonly endpoint: Endpoint
  readonly #arrived = new Batch()
  readonly #inboxes = new Map<CommonService, Inbox>()
  #socket!: DatagramSocket
  #isCounted = false

  private constructor(endpoint: Endpoint) {
    this.endpoint = endpoint
  }

  static async open(endpoint: Endpoint, bind: Bind): Promise<SharedSocket> {
    const shared = new SharedSocket(endpoint)
    shared.#socket = await bind(endpoint, {
      batch: shared.#arrived,
      socket: 0,
      arrived: () => shared.#sort(),
    })
    return shared
  }

  isAt({ host, port }: Endpoint): boolean {
    return this.endpoint.host === host && this.endpoint.port === port
  }

  /** Gives the service what arrives for it. The first service that joins counts for all. */
  join(service: CommonService, inbox: Inbox): DatagramSocket {
    this.#inboxes.set(service, inbox)
    const part = new PartOfSocket(this.#socket, !this.#isCounted, () => this.#leave(service))
    this.#isCounted = true
    return part
  }

  async closeUnused(): Promise<void> {
    if (this.#inboxes.size === 0) await this.#socket.close()
  }

  #leave(service: CommonService): Promise<void> {
    this.#inboxes.delete(service)
    return this.closeUnused()
  }

  #sort(): void {
    const arrived = this.#arrived
    const filled = new Set<Inbox>()
    for (let i = 0; i < arrived.count; i++) {
      const service = serviceOf(arrived, i)
      const inbox = service && this.#inboxes.get(service)
      if (inbox === undefined) continue
      inbox.batch.push(arrived.at(i), arrived.address, i * ADDRESS_WORDS, inbox.socket)
      filled.add(inbox)
    }
    arrived.clear()
    for (const inbox of filled) inbox.arrived()
  }
}

const NOTHING: SocketCounters = { received: 0, sent: 0, dropped: 0, errors: 0, overrun: 0 }

/** A shared socket as one service has it. */
class PartOfSocket implements DatagramSocket {
  readonly #socket: DatagramSocket
  readonly #counts: boolean
  readonly #leave: () => Promise<void>

  constructor(socket: DatagramSocket, counts: boolean, leave: () => Promise<void>) {
    this.#socket = socket
    this.#counts = counts
    this.#leave = leave
  }

  get addresses(): readonly Address[] {
    return this.#socket.addresses
  }

  get counters(): SocketCounters {
    return this.#counts ? this.#socket.counters : NOTHING
  }

  send(batch: Batch, from: number, to: number): boolean {
    return this.#socket.send(batch, from, to)
  }

  close(): Promise<void> {
    return this.#leave()
  }
}
