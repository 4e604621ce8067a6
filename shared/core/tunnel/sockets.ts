/**
 * The sockets of a tunnel. Number 0 is its own. Others are opened for techniques that need many, and closed afterwards
 * unless a path uses them. The machine does not hold sockets: it asks for them (`openSockets`) and is told which are
 * open (`sockets`). *Alone* is the leave to scatter: one tunnel of a host has it at a time, until its sockets close.
 */
import type { Queue } from '../session/queue.ts'
import type { TunnelEffect } from './events.ts'

export const OWN_SOCKET = 0
/** The most fresh sockets that any technique uses (`scatter`). */
const MAX_FRESH = 255

/** Requests of a machine with several sockets to its host. */
export type SocketsEffect = Extract<TunnelEffect, { kind: 'openSockets' | 'closeSockets' }>

export class Sockets {
  readonly #used: () => ReadonlySet<number>
  readonly #outbox: Pick<Queue<SocketsEffect>, 'put'>
  /** Ports by socket number, from socket 1 on; 0 for a closed socket. */
  #ports: readonly number[] = []
  #alone = false
  /** True if the requested sockets are open, or as many of them as the system allows. */
  #answered = true

  /** `used`: the sockets that paths use. */
  constructor(used: () => ReadonlySet<number>, outbox: Pick<Queue<SocketsEffect>, 'put'>) {
    this.#used = used
    this.#outbox = outbox
  }

  get answered(): boolean {
    return this.#answered
  }

  get alone(): boolean {
    return this.#alone
  }

  /** The open sockets that no path uses, without the tunnel's own. */
  get fresh(): readonly number[] {
    const used = this.#used()
    return this.#ports.flatMap((port, i) => (port > 0 && !used.has(i + 1) ? [i + 1] : []))
  }

  isOpen(socket: number): boolean {
    return socket === OWN_SOCKET || this.portOf(socket) > 0
  }

  portOf(socket: number): number {
    return this.#ports[socket - 1] ?? 0
  }

  open(count: number, alone = false): void {
    this.#answered = false
    this.#outbox.put({ kind: 'openSockets', count: Math.min(count, MAX_FRESH), alone })
  }

  /** Asks for one more socket and returns its number. */
  openAnother(): number {
    const free = this.#ports.indexOf(0)
    const number = free < 0 ? this.#ports.length + 1 : free + 1
    this.open(number)
    return number
  }

  opened(ports: readonly number[], alone: boolean): void {
    this.#answered = true
    this.#alone = alone
    this.#ports = ports
  }

  closeUnused(): void {
    if (this.#answered && !this.#alone && this.fresh.length === 0) return
    const used = this.#used()
    this.#answered = true
    this.#alone = false
    this.#ports = this.#ports.map((port, i) => (used.has(i + 1) ? port : 0))
    this.#outbox.put({ kind: 'closeSockets', keep: [...used] })
  }
}
