/**
 * The access network of one group of peers: its way to the nodes over UDP, and to INDEX and the gateway over TCP. It can be cut,
 * lose datagrams, and give every peer another address (`rebind`), as a router does that starts again.
 *
 * Nodes have addresses of this network. Bootstrap answers are changed accordingly, as by a DNS of the network's own.
 */
import dgram from 'node:dgram'
import { once } from 'node:events'
import type { Dice } from '../../sim/dice.ts'
import { type IndexProxy, openIndexProxy } from './index-proxy.ts'
import type { Tap } from './wire.ts'

export interface AccessOptions {
  /** First three numbers of this network's addresses. */
  readonly net: string
  /** First three numbers of the public addresses of nodes. */
  readonly nodesNet: string
  /** Last number of each node's public address, and its private address. */
  readonly nodes: readonly { readonly last: number; readonly private: string }[]
  readonly ports: readonly number[]
  readonly index: string
  readonly indexPort: number
  readonly dice: Dice
  readonly tap: Tap
}

interface Way {
  readonly door: dgram.Socket
  readonly target: { readonly host: string; readonly port: number }
  /** The socket for each peer's port. */
  readonly outside: Map<string, dgram.Socket>
}

export class AccessNetwork {
  readonly #options: AccessOptions
  readonly #ways: Way[] = []
  #index: IndexProxy | undefined
  #udpCuts = 0
  #allCuts = 0
  #loss = 0

  constructor(options: AccessOptions) {
    this.#options = options
  }

  async open(): Promise<string> {
    const { net, nodesNet, nodes, ports, index, indexPort } = this.#options
    for (const node of nodes)
      for (const port of ports) {
        const door = dgram.createSocket('udp4')
        const way: Way = { door, target: { host: node.private, port }, outside: new Map() }
        door.on('message', (bytes, from) => this.#out(way, bytes, from))
        door.on('error', () => {})
        door.bind(port, `${net}.${node.last}`)
        await once(door, 'listening')
        this.#ways.push(way)
      }
    this.#index = await openIndexProxy({
      host: `${net}.1`,
      port: indexPort,
      target: index,
      seen: (text, own) =>
        text.replaceAll(`${nodesNet}.`, `${net}.`).replaceAll(new URL(index).host, new URL(own).host),
    })
    return this.#index.url
  }

  /** Address at which peers of this network reach the first node. */
  get host(): string {
    return this.#ways[0]!.door.address().address
  }

  get port(): number {
    return this.#ways[0]!.door.address().port
  }

  cut(what: 'udp' | 'all'): void {
    if (what === 'udp') this.#udpCuts++
    else {
      this.#allCuts++
      this.#index?.cut()
    }
  }

  mend(what: 'udp' | 'all'): void {
    if (what === 'udp') this.#udpCuts--
    else {
      this.#allCuts--
      this.#index?.mend()
    }
  }

  /** Loses this share of all datagrams. */
  lose(share: number): void {
    this.#loss = share
  }

  /** Makes nodes see each peer at another port from now on. */
  rebind(): void {
    for (const { outside } of this.#ways) {
      for (const socket of outside.values()) socket.close()
      outside.clear()
    }
  }

  close(): void {
    this.rebind()
    for (const { door } of this.#ways) door.close()
    this.#index?.close()
  }

  #passes(): boolean {
    return this.#udpCuts + this.#allCuts === 0 && !(this.#loss > 0 && this.#options.dice.chance(this.#loss))
  }

  #out(way: Way, bytes: Buffer, from: dgram.RemoteInfo): void {
    if (!this.#passes()) return
    this.#options.tap(bytes)
    const key = `${from.address} ${from.port}`
    let socket = way.outside.get(key)
    if (socket === undefined) {
      socket = dgram.createSocket('udp4')
      socket.on('error', () => {})
      socket.on('message', (answer) => {
        if (!this.#passes()) return
        this.#options.tap(answer)
        way.door.send(answer, from.port, from.address)
      })
      way.outside.set(key, socket)
    }
    socket.send(bytes, way.target.port, way.target.host)
  }
}
