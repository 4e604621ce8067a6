/**
 * The sockets of an endpoint, by the endpoint's numbers; 0 is the session's. While the network drops UDP, datagrams
 * from a tunnel's own socket go through carriers. If UDP fails to one service only, just the datagrams to that service
 * do (`service-ways.ts`).
 */
import type { SocketEffect, SocketPorts } from '../../shared/core/peer/events.ts'
import { OWN_PORT } from '../../shared/core/peer/service-port.ts'
import { Experience, type Leaving, ServiceWays } from '../../shared/core/peer/service-ways.ts'
import { HOME_SOCKET } from '../../shared/core/peer/socket-book.ts'
import { now } from '../../shared/drive/clock.ts'
import type { TunnelId } from '../../shared/ids.ts'
import { ADDRESS_WORDS } from '../../shared/wire/address.ts'
import type { Batch } from '../../shared/wire/batch.ts'
import type { Carrier, Carry } from './carrier.ts'
import { type Destination, DualSocket } from './dual-socket.ts'

export interface EndpointSocketsOptions {
  /** Receives a datagram. It may keep `bytes`, but not `words`. */
  readonly receive: (bytes: Uint8Array, words: Uint32Array, socket: number) => void
  /** The session's socket, if there is one. */
  readonly home?: { send(batch: Batch, i: number): void }
  /** Makes the carriers for the datagrams of a tunnel while UDP is dropped. */
  readonly carry: Carry
}

/** Without a carrier for an address, datagrams still leave over UDP. */
const CARRIED: Leaving = { kind: 'carried', ports: [OWN_PORT] }

interface Entry {
  readonly socket: DualSocket
  /** The tunnel that this is the own socket of; undefined for an additional socket. */
  readonly tunnel: TunnelId | undefined
  readonly ways: ServiceWays
  carriers: readonly Carrier[]
}

export class EndpointSockets {
  /** Called when the transport of a tunnel's own socket changed. */
  onMoved: (tunnel: TunnelId) => void = () => {}
  readonly #options: EndpointSocketsOptions
  readonly #entries = new Map<number, Entry>()
  readonly #experience = new Experience()
  #heardAt = Number.NEGATIVE_INFINITY
  #isBlocked = false

  constructor(options: EndpointSocketsOptions) {
    this.#options = options
  }

  /** Opens sockets, as many of them as the system gives. */
  open({
    sockets,
    ipv4Only,
    tunnel,
  }: Extract<SocketEffect, { kind: 'openSockets' }>): (SocketPorts & { readonly socket: number })[] {
    return sockets.flatMap((number) => {
      const ways = new ServiceWays(this.#experience)
      const socket = this.#open(number, ipv4Only, ways)
      if (socket === undefined) return []
      const entry = { socket, tunnel: ipv4Only ? undefined : tunnel, ways, carriers: [] }
      this.#entries.set(number, entry)
      if (this.#isBlocked) this.#carry(number, entry)
      return [{ socket: number, ...socket.ports }]
    })
  }

  close(sockets: readonly number[]): void {
    for (const number of sockets) {
      const entry = this.#entries.get(number)
      this.#entries.delete(number)
      for (const carrier of entry?.carriers ?? []) carrier.close()
      void entry?.socket.close()
    }
  }

  /** Sends datagram i of a batch from the socket that it names. */
  send(batch: Batch, i: number): void {
    const number = batch.socket[i]!
    if (number === HOME_SOCKET) this.#options.home?.send(batch, i)
    else {
      const entry = this.#entries.get(number)
      if (entry !== undefined) this.#sendBy(number, entry, batch, i)
    }
  }

  /** Destination for a stream whose packets should go from that socket to that address. */
  destination(number: number, words: Uint32Array): Destination | undefined {
    const entry = this.#entries.get(number)
    if (entry === undefined) return undefined
    const way = entry.ways.to(words)
    for (const carrier of this.#isBlocked || way.kind === 'carried' ? entry.carriers : []) {
      const destination = carrier.destination?.(words)
      if (destination !== undefined) return destination
    }
    const destination = entry.socket.destination(words)
    return destination && way.port !== OWN_PORT ? { ...destination, port: way.port } : destination
  }

  /** Local ports of a tunnel's own socket. */
  portsOf(tunnel: TunnelId): SocketPorts | undefined {
    return [...this.#entries.values()].find((entry) => entry.tunnel === tunnel)?.socket.ports
  }

  /** Forgets the services to which UDP failed, because the network changed. */
  networkChanged(): void {
    this.#experience.forget()
  }

  /** UDP to the own port of CHECKPOINTs is blocked: new sockets ask the other services at their common ports immediately. */
  doubt(): void {
    this.#experience.doubt()
  }

  get isBlocked(): boolean {
    return this.#isBlocked
  }

  /** Returns true if a tunnel's socket received UDP from a node or a peer since `time`. The session's socket does not count. */
  heardSince(time: number): boolean {
    return this.#heardAt >= time
  }

  /** Switches all sockets to or from carriers, when UDP turns out to be dropped or to work. */
  setUdp(blocked: boolean): void {
    this.#isBlocked = blocked
    for (const [number, entry] of this.#entries) {
      for (const carrier of entry.carriers) carrier.close()
      entry.carriers = []
      if (blocked) this.#carry(number, entry)
    }
  }

  closeAll(): void {
    this.close([...this.#entries.keys()])
  }

  #open(number: number, ipv4Only: boolean, ways: ServiceWays): DualSocket | undefined {
    try {
      const receive = (bytes: Uint8Array, words: Uint32Array) => {
        this.#heard(number, 'udp', words, bytes)
        this.#options.receive(bytes, ways.sourceOf(words, bytes), number)
      }
      return new DualSocket(receive, { ipv4Only })
    } catch {
      return undefined
    }
  }

  #carry(number: number, entry: Entry): void {
    if (entry.tunnel === undefined || entry.carriers.length > 0) return
    entry.carriers = this.#options.carry((bytes, words) => {
      this.#heard(number, 'carrier', words, bytes)
      this.#options.receive(bytes, words, number)
    })
  }

  #heard(number: number, by: 'udp' | 'carrier', words: Uint32Array, bytes: Uint8Array): void {
    if (by === 'udp') this.#heardAt = now()
    const entry = this.#entries.get(number)
    if (entry?.ways.heard(by, words, bytes) === true && entry.tunnel !== undefined) this.onMoved(entry.tunnel)
  }

  #sendBy(number: number, entry: Entry, batch: Batch, i: number): void {
    const { kind, ports } = this.#isBlocked ? CARRIED : entry.ways.leaving(batch, i, now())
    if (kind !== 'udp') this.#carry(number, entry)
    const isCarried =
      kind !== 'udp' &&
      entry.carriers.some((carrier) => carrier.send(batch.address, i * ADDRESS_WORDS, batch.at(i)))
    if (!isCarried || kind === 'asking') entry.socket.sendTo(ports, batch, i)
  }
}
