/**
 * The network between nodes: each node has a private address, at which it listens, and a public one, which its lease announces,
 * with the same ports (1:1 NAT, as on EC2). A datagram from one node to the public address of another is forwarded unless the
 * two are partitioned. It arrives with the public address of its sender.
 */
import dgram from 'node:dgram'
import { once } from 'node:events'
import type { Tap } from './wire.ts'

interface Door {
  readonly node: number
  readonly port: number
  readonly socket: dgram.Socket
}

export interface NodePlace {
  readonly private: string
  readonly public: string
}

export class NodeNetwork {
  readonly #places: readonly NodePlace[]
  readonly #ports: readonly number[]
  readonly #tap: Tap
  readonly #doors: Door[] = []
  /** Number of datagrams that a partition stopped. */
  dropped = 0
  readonly #partitions = new Map<string, number>()

  constructor(places: readonly NodePlace[], ports: readonly number[], tap: Tap = () => {}) {
    this.#places = places
    this.#ports = ports
    this.#tap = tap
  }

  async open(): Promise<void> {
    for (const [node, place] of this.#places.entries())
      for (const port of this.#ports) {
        const socket = dgram.createSocket('udp4')
        socket.on('message', (bytes, from) => this.#forward(node, port, bytes, from))
        socket.on('error', () => {})
        socket.bind(port, place.public)
        await once(socket, 'listening')
        this.#doors.push({ node, port, socket })
      }
  }

  /** Cuts two nodes off from each other, until `join` was called as often. */
  part(one: number, other: number): void {
    const key = keyOf(one, other)
    this.#partitions.set(key, (this.#partitions.get(key) ?? 0) + 1)
  }

  join(one: number, other: number): void {
    const key = keyOf(one, other)
    this.#partitions.set(key, Math.max(0, (this.#partitions.get(key) ?? 0) - 1))
  }

  close(): void {
    for (const { socket } of this.#doors) socket.close()
  }

  #forward(to: number, port: number, bytes: Buffer, from: dgram.RemoteInfo): void {
    const sender = this.#places.findIndex((place) => place.private === from.address)
    if (sender < 0) return
    if ((this.#partitions.get(keyOf(sender, to)) ?? 0) > 0) {
      this.dropped++
      return
    }
    this.#tap(bytes)
    const door = this.#doors.find((each) => each.node === sender && each.port === from.port)
    door?.socket.send(bytes, port, this.#places[to]!.private)
  }
}

const keyOf = (one: number, other: number): string => `${Math.min(one, other)} ${Math.max(one, other)}`
