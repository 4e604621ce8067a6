/**
 * A tunnel while it has a TunnelMachine: its socket, the port that a router maps for it, and what both sides agreed. It
 * passes on what the machine does, except its end, which `poll` returns.
 */
import type { PeerId, TunnelId } from '../../ids.ts'
import type { Paths } from '../../paths.ts'
import { type Address, NOWHERE } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import type { TunnelTerms } from '../../wire/offers.ts'
import type { TunnelEffect, TunnelInput } from '../tunnel/events.ts'
import { TunnelMachine } from '../tunnel/tunnel-machine.ts'
import { candidatesOf } from './candidates.ts'
import type { Agreement, SocketPorts } from './events.ts'
import { Hosted, type SocketsEffect } from './hosted.ts'
import type { Part } from './socket-book.ts'
import type { Surroundings } from './surroundings.ts'

type MachineEffect = Exclude<TunnelEffect, SocketsEffect>
type Closed = Extract<TunnelEffect, { kind: 'closed' }>

export interface RunningTunnelOptions {
  readonly tunnel: TunnelId
  readonly peer: PeerId
  readonly around: Surroundings
  /** The part of the endpoint that the sockets belong to, and the tunnel's own socket, which is open. */
  readonly part: Part
  readonly own: number
  /** The terms that this side asked for, or those of the agreement. */
  readonly terms: TunnelTerms
  /** Undefined while the other side decides. */
  readonly agreement: Agreement | undefined
  /** Time at which the application asked for the tunnel, or accepted it. */
  readonly since: number
  readonly now: number
}

export class RunningTunnel {
  readonly kind = 'running'
  readonly machine: TunnelMachine
  /** The paths that this side asked for, until both sides have agreed. */
  readonly paths: Paths
  readonly #tunnel: TunnelId
  readonly #peer: PeerId
  readonly #around: Surroundings
  readonly #ports: SocketPorts
  readonly #hosted: Hosted<TunnelInput, MachineEffect>
  #agreement: Agreement | undefined
  /** A port that a router was asked to map, and the mapping if there is one. */
  #mapping: { readonly port: number; readonly external?: Address } | undefined

  constructor({ tunnel, peer, around, part, own, terms, agreement, since, now }: RunningTunnelOptions) {
    const { book, turn, random, scatter, stun, udpBlocked, nat } = around
    this.#tunnel = tunnel
    this.#peer = peer
    this.#around = around
    this.#ports = book.portsOf(own)!
    this.paths = terms.paths
    this.#agreement = agreement
    this.machine = new TunnelMachine({
      seed: random.bytes(32),
      keys: agreement?.keys,
      mixing: agreement?.mixing,
      direction: agreement?.direction,
      expected: agreement?.expected ?? NOWHERE,
      terms,
      stun,
      candidates: candidatesOf(around.ips, this.#ports, undefined),
      localPort: this.#ports.four ?? this.#ports.six ?? 0,
      scatter,
      udpBlocked,
      nat,
      since,
      now,
    })
    this.#hosted = new Hosted<TunnelInput, MachineEffect>({
      machine: this.machine,
      part,
      sockets: [own],
      book,
      turn,
    })
  }

  /** Both sides have accepted the tunnel, on the paths that this side asked for. */
  agreed(agreement: Agreement, out: Batch, now: number): void {
    const { keys, mixing, direction, expected, terms } = agreement
    this.#agreement = agreement
    this.handle({ kind: 'agreed', keys, mixing, direction, expected, terms }, out, now)
  }

  handle(input: TunnelInput, out: Batch, now: number): void {
    this.#hosted.handle(input, out, now)
  }

  receive(arrived: Batch, from: number, to: number, out: Batch, now: number): void {
    this.#hosted.receive(arrived, from, to, out, now)
  }

  tick(out: Batch, now: number): void {
    this.#hosted.tick(out, now)
  }

  /** Sockets that the machine asked for are open, as far as the system allows. */
  opened(out: Batch, now: number): void {
    this.#hosted.opened(out, now)
  }

  deadline(): number {
    return this.#hosted.deadline()
  }

  networkChanged(out: Batch, now: number): void {
    this.handle({ kind: 'networkChanged', candidates: this.#candidates() }, out, now)
  }

  /** The router mapped a port, or ended the mapping. */
  mapped(port: number, external: Address | undefined, out: Batch, now: number): void {
    if (this.#mapping?.port !== port) return
    this.#mapping = { port, ...(external && { external }) }
    this.handle({ kind: 'candidates', candidates: this.#candidates() }, out, now)
  }

  /** Passes on what the machine does. Returns its end; undefined if it goes on. */
  poll(out: Batch, now: number): Closed | undefined {
    for (;;) {
      const effect = this.#hosted.poll(out, now)
      if (effect === undefined || effect.kind === 'closed') return effect
      this.#perform(effect)
    }
  }

  /** Ends the machine, without a word to the application. */
  discard(out: Batch, now: number): void {
    this.handle({ kind: 'close' }, out, now)
    while (this.#hosted.poll(out, now) !== undefined);
    this.release()
  }

  /** Closes the sockets, and gives up the mapping. */
  release(): void {
    this.#hosted.end()
    if (this.#mapping !== undefined) this.#around.emit({ kind: 'unmapPort', port: this.#mapping.port })
    this.#mapping = undefined
  }

  #candidates() {
    return candidatesOf(this.#around.ips, this.#ports, this.#mapping?.external)
  }

  #perform(effect: Exclude<MachineEffect, Closed>): void {
    const tunnel = this.#tunnel
    const { emit } = this.#around
    switch (effect.kind) {
      case 'path':
        emit({ ...effect, tunnel, socket: this.#hosted.socketOf(effect.socket) })
        break
      case 'rejoin':
        if (this.#agreement !== undefined)
          emit({ kind: 'rejoinWanted', tunnel, peer: this.#peer, leg: this.#agreement.leg })
        break
      case 'surveyed':
        this.#around.learned(effect.nat)
        break
      case 'mapPort':
        this.#map()
        break
      default:
        emit({ ...effect, tunnel })
    }
  }

  #map(): void {
    const { four } = this.#ports
    if (this.#mapping !== undefined || four === undefined || !this.#around.isRouterOnTheWay(this.paths))
      return
    this.#mapping = { port: four }
    this.#around.emit({ kind: 'mapPort', tunnel: this.#tunnel, port: four })
  }
}
