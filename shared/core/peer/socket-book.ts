/**
 * The UDP sockets of an endpoint. Its parts (each tunnel, the NAT survey) ask for sockets. This book numbers them for
 * the whole endpoint, asks the driver to open and close them, and knows which part each belongs to. Socket 0 is the
 * session's.
 *
 * A driver answers each `openSockets` once, with the ports of the sockets that the system opened.
 */
import type { TunnelId } from '../../ids.ts'
import type { Batch } from '../../wire/batch.ts'
import type { SocketEffect, SocketPorts } from './events.ts'

export const HOME_SOCKET = 0
/** No driver has a socket of this number: what is sent on a closed socket is lost. */
export const NO_SOCKET = 0xffff

/** A part of an endpoint that has sockets of its own. */
export interface Part {
  /** A small number that is unique among the parts. */
  readonly slot: number
  /** The tunnel that the sockets belong to, if they belong to one. */
  readonly tunnel?: TunnelId
  /** The sockets requested last are open, or the system refused them. */
  opened(out: Batch, now: number): void
  /** Handles datagrams `from` to `to` - 1 of the batch, which arrived on its sockets. */
  receive(arrived: Batch, from: number, to: number, out: Batch, now: number): void
  /** Does what is due. */
  tick(out: Batch, now: number): void
  deadline(): number
}

interface Entry {
  readonly part: Part
  /** The part's own number of the socket. */
  readonly local: number
  ports: SocketPorts | undefined
}

export class SocketBook {
  readonly #entries = new Map<number, Entry>()
  readonly #emit: (effect: SocketEffect) => void
  #last = HOME_SOCKET

  constructor(emit: (effect: SocketEffect) => void) {
    this.#emit = emit
  }

  /**
   * Asks for one socket for each local number, and returns the sockets' numbers in that order. `fresh`: over IPv4 only.
   */
  open(part: Part, locals: readonly number[], use: 'own' | 'fresh'): number[] {
    const sockets = locals.map((local) => this.#enter({ part, local, ports: undefined }))
    const { tunnel } = part
    this.#emit({ kind: 'openSockets', sockets, ipv4Only: use === 'fresh', ...(tunnel && { tunnel }) })
    return sockets
  }

  close(sockets: readonly number[]): void {
    const known = sockets.filter((socket) => this.#entries.delete(socket))
    if (known.length > 0) this.#emit({ kind: 'closeSockets', sockets: known })
  }

  /** Handles the driver's answer to `openSockets`, and returns the parts that it concerns. */
  opened(asked: readonly number[], opened: ReadonlyMap<number, SocketPorts>): ReadonlySet<Part> {
    const parts = new Set<Part>()
    for (const socket of asked) {
      const entry = this.#entries.get(socket)
      if (entry === undefined) continue
      parts.add(entry.part)
      entry.ports = opened.get(socket)
      if (entry.ports === undefined) this.#entries.delete(socket)
    }
    return parts
  }

  /** Undefined if the socket is not open. */
  portsOf(socket: number): SocketPorts | undefined {
    return this.#entries.get(socket)?.ports
  }

  partOf(socket: number): Part | undefined {
    return this.#entries.get(socket)?.part
  }

  localOf(socket: number): number {
    return this.#entries.get(socket)!.local
  }

  /** Does not reuse a number soon, as something may still be on its way to the old socket. */
  #enter(entry: Entry): number {
    do this.#last = this.#last === NO_SOCKET - 1 ? HOME_SOCKET + 1 : this.#last + 1
    while (this.#entries.has(this.#last))
    this.#entries.set(this.#last, entry)
    return this.#last
  }
}
