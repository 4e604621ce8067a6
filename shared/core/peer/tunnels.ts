/**
 * The tunnels of an endpoint. Each has its own life cycle (`line.ts`); this file holds the table of them and what they
 * share (`surroundings.ts`). It is a machine of its own, so that a test can connect two ends of a tunnel without a
 * CHECKPOINT.
 */
import type { PeerId, TunnelId } from '../../ids.ts'
import type { Batch } from '../../wire/batch.ts'
import type { Machine } from '../machine.ts'
import { Deadlines } from '../session/deadlines.ts'
import { Queue } from '../session/queue.ts'
import type { TunnelMachine } from '../tunnel/tunnel-machine.ts'
import type { TunnelsEffect, TunnelsInput } from './events.ts'
import { Line, type LineOptions } from './line.ts'
import { MappingLife } from './mapping-life.ts'
import { NatWatch } from './nat-watch.ts'
import type { Part } from './socket-book.ts'
import { Surroundings, type SurroundingsOptions } from './surroundings.ts'

export class Tunnels implements Machine<TunnelsInput, TunnelsEffect> {
  readonly #effects = new Queue<TunnelsEffect>()
  readonly #around: Surroundings
  readonly #lines = new Map<TunnelId, Line>()
  /** Parts by slot. */
  readonly #parts: (Part | undefined)[] = []
  readonly #deadlines = new Deadlines()
  readonly #natWatch: NatWatch
  readonly #mappingLife: MappingLife
  /** Datagrams that arrived on a socket which is no longer open. */
  dropped = 0

  constructor(options: SurroundingsOptions) {
    this.#around = new Surroundings(options, (effect) => this.#effects.put(effect))
    this.#natWatch = new NatWatch(0, this.#around)
    this.#mappingLife = new MappingLife(1, this.#around, (intervalMs) =>
      this.#effects.put({ kind: 'interval', intervalMs }),
    )
    this.#parts.push(this.#natWatch, this.#mappingLife)
  }

  /** True from the request for the tunnel until its end. */
  has(tunnel: TunnelId): boolean {
    return this.#lines.has(tunnel)
  }

  /** Undefined until the tunnel has a socket, and after its end. */
  machineOf(tunnel: TunnelId): TunnelMachine | undefined {
    return this.#lines.get(tunnel)?.machine
  }

  /** Passes consecutive datagrams of one part to it together. */
  receive(arrived: Batch, out: Batch, now: number): void {
    for (let from = 0; from < arrived.count; ) {
      const part = this.#around.book.partOf(arrived.socket[from]!)
      let to = from + 1
      while (to < arrived.count && this.#around.book.partOf(arrived.socket[to]!) === part) to++
      if (part === undefined) this.dropped += to - from
      else {
        part.receive(arrived, from, to, out, now)
        this.#settled(part)
      }
      from = to
    }
    this.tick(out, now)
  }

  handle(input: TunnelsInput, out: Batch, now: number): void {
    this.#handle(input, out, now)
    this.tick(out, now)
  }

  tick(out: Batch, now: number): void {
    const due: Part[] = []
    for (let slot = this.#deadlines.take(now); slot >= 0; slot = this.#deadlines.take(now))
      due.push(this.#parts[slot]!)
    for (const part of due) {
      part.tick(out, now)
      this.#settled(part)
    }
  }

  deadline(): number {
    return this.#deadlines.next()
  }

  poll(): TunnelsEffect | undefined {
    return this.#effects.take()
  }

  #handle(input: TunnelsInput, out: Batch, now: number): void {
    switch (input.kind) {
      case 'prepare':
        this.#add(input.tunnel, input.peer, { kind: 'offer', terms: input.terms }, now)
        break
      case 'prepareAnswer':
        this.#add(input.tunnel, input.peer, { kind: 'answer', answering: input }, now)
        break
      case 'agreed':
        this.#agreed(input, out, now)
        break
      case 'approach':
      case 'rejoin':
        this.#with(input.tunnel, (line) => line.use(input, out, now))
        break
      case 'absent':
      case 'forgotten':
        this.#with(input.tunnel, (line) => line.hear(input, out, now))
        break
      case 'came':
      case 'went':
        this.#each((line) => line.hear(input, out, now))
        break
      case 'use':
        this.#with(input.tunnel, (line) => line.use(input.use, out, now))
        break
      case 'abandon':
        this.#with(input.tunnel, (line) => line.abandon(out, now))
        break
      case 'sockets':
        this.#opened(input, out, now)
        break
      case 'mapped':
        this.#each((line) => line.mapped(input.port, input.external, out, now))
        break
      case 'host':
        this.#around.ips = input.ips
        break
      case 'moved':
        this.#around.ips = input.ips
        this.#mappingLife.forget()
        this.#each((line) => line.networkChanged(out, now))
        break
      case 'renumbered':
        this.#mappingLife.forget()
        this.#each((line) => line.networkChanged(out, now))
        break
      case 'stun':
        this.#around.stun = input.servers
        break
      case 'udp':
        this.#around.udpBlocked = input.blocked
        this.#mappingLife.forget()
        this.#each((line) => line.use(input, out, now))
        break
      case 'nat':
        this.#around.nat = input.nat
        break
      case 'lookAtNat':
        if (input.unlessKnown) this.#natWatch.ensure()
        else this.#natWatch.look()
        break
      case 'lookAtRouter':
        if (this.#around.isRouterOnTheWay('auto')) this.#effects.put({ kind: 'lookAtRouter' })
        break
      case 'findInterval':
        this.#mappingLife.want()
        break
      case 'end':
        this.#natWatch.end()
        this.#mappingLife.forget()
        this.#each((line) => line.abandon(out, now))
    }
  }

  #agreed({ agreement }: Extract<TunnelsInput, { kind: 'agreed' }>, out: Batch, now: number): void {
    const { tunnel, peer } = agreement
    if (this.#lines.has(tunnel)) this.#with(tunnel, (line) => line.agreed(agreement, out, now))
    else this.#add(tunnel, peer, { kind: 'begin', agreement }, now)
  }

  #opened({ asked, opened }: Extract<TunnelsInput, { kind: 'sockets' }>, out: Batch, now: number): void {
    const ports = new Map(opened.map(({ socket, ...ports }) => [socket, ports]))
    for (const part of this.#around.book.opened(asked, ports)) {
      part.opened(out, now)
      this.#settled(part)
    }
  }

  #add(tunnel: TunnelId, peer: PeerId, purpose: LineOptions['purpose'], now: number): void {
    const free = this.#parts.indexOf(undefined)
    const slot = free < 0 ? this.#parts.length : free
    const line = new Line({ slot, tunnel, peer, around: this.#around, purpose, now })
    this.#parts[slot] = line
    this.#lines.set(tunnel, line)
  }

  #with(tunnel: TunnelId, act: (line: Line) => void): void {
    const line = this.#lines.get(tunnel)
    if (line === undefined) return
    act(line)
    this.#settled(line)
  }

  #each(act: (line: Line) => void): void {
    for (const line of [...this.#lines.values()]) {
      act(line)
      this.#settled(line)
    }
  }

  /** Updates the deadline of a part after it was called, or removes it if it has ended. */
  #settled(part: Part): void {
    if (part instanceof Line && part.ended) {
      this.#deadlines.clear(part.slot)
      this.#parts[part.slot] = undefined
      this.#lines.delete(part.tunnel)
    } else this.#deadlines.set(part.slot, part.deadline())
  }
}
