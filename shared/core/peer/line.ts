/**
 * One tunnel of an endpoint, from the request for it to its end:
 *
 *   opening   its socket is being opened. It is then `running` if this side offers or both have agreed, otherwise `waiting`
 *   waiting   this side is about to accept: its NAT is open for the other side, and its port is sent with the answer
 *   running   has a TunnelMachine (running-tunnel.ts). An offering side prepares it while the other side decides. If the
 *             other side wants other paths, the prepared machine is discarded and the tunnel is `opening` again
 *   ended
 */

import type { PeerId, TunnelId } from '../../ids.ts'
import type { Paths } from '../../paths.ts'
import type { Address } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import type { Foreseen, TunnelTerms } from '../../wire/offers.ts'
import type { TunnelEffect, TunnelInput, TunnelStatus } from '../tunnel/events.ts'
import { foresee, reply } from '../tunnel/foresight.ts'
import { UNSETTLED } from '../tunnel/security.ts'
import type { TunnelMachine } from '../tunnel/tunnel-machine.ts'
import type { Agreement, SocketPorts } from './events.ts'
import { RunningTunnel } from './running-tunnel.ts'
import type { Part } from './socket-book.ts'
import type { Surroundings } from './surroundings.ts'

/** Packet that opens the NAT. If it arrives, the receiver ignores it, as it is no packet of a tunnel. */
const OPENING = new Uint8Array(1)
const NOTHING_YET: TunnelStatus = { path: 'none', rttMs: 0, effort: { packets: 0 }, security: UNSETTLED }
const NEVER = Number.POSITIVE_INFINITY
/** The input of the tunnel for each event about its other side. */
const NEWS = {
  came: 'otherPresent',
  went: 'otherAbsent',
  absent: 'otherAbsent',
  forgotten: 'otherForgot',
} as const

export interface OtherSideNews {
  readonly kind: keyof typeof NEWS
  readonly peer: PeerId
}

/** The offer that this side is about to accept. */
export interface Answering {
  readonly paths: Paths
  /** Expected address of the other side. */
  readonly expected: Address
  /** The other side's NAT tolerates early packets. */
  readonly forgiving: boolean
}

type Purpose =
  | { readonly kind: 'offer'; readonly terms: TunnelTerms }
  | { readonly kind: 'answer'; readonly answering: Answering }
  | { readonly kind: 'begin'; readonly agreement: Agreement }

type State =
  | { readonly kind: 'opening'; readonly own: number; readonly purpose: Purpose }
  | { readonly kind: 'waiting'; readonly own: number }
  | RunningTunnel
  | { readonly kind: 'ended' }

export interface LineOptions {
  readonly slot: number
  readonly tunnel: TunnelId
  readonly peer: PeerId
  readonly around: Surroundings
  readonly purpose: Purpose
  readonly now: number
}

export class Line implements Part {
  readonly slot: number
  readonly tunnel: TunnelId
  readonly peer: PeerId
  readonly #around: Surroundings
  /** Time at which the application asked for the tunnel, or accepted it. */
  readonly #since: number
  #state: State

  constructor({ slot, tunnel, peer, around, purpose, now }: LineOptions) {
    this.slot = slot
    this.tunnel = tunnel
    this.peer = peer
    this.#around = around
    this.#since = now
    this.#state = this.#opening(purpose)
  }

  get machine(): TunnelMachine | undefined {
    return this.#state.kind === 'running' ? this.#state.machine : undefined
  }

  get ended(): boolean {
    return this.#state.kind === 'ended'
  }

  /** Both sides have accepted the tunnel. */
  agreed(agreement: Agreement, out: Batch, now: number): void {
    if (this.#state.kind === 'waiting') this.#run(this.#state.own, { kind: 'begin', agreement }, now)
    else if (this.#state.kind === 'running') this.#settle(this.#state, agreement, out, now)
    this.tick(out, now)
  }

  use(input: TunnelInput, out: Batch, now: number): void {
    if (this.#state.kind === 'running') this.#state.handle(input, out, now)
    this.#drain(out, now)
  }

  /** Handles an event about a peer, which may be the other side of this tunnel. */
  hear({ kind, peer }: OtherSideNews, out: Batch, now: number): void {
    if (peer === this.peer) this.use({ kind: NEWS[kind] }, out, now)
  }

  /** The addresses of the host changed. */
  networkChanged(out: Batch, now: number): void {
    if (this.#state.kind === 'running') this.#state.networkChanged(out, now)
    this.#drain(out, now)
  }

  /** The router mapped a port, or ended the mapping. */
  mapped(port: number, external: Address | undefined, out: Batch, now: number): void {
    if (this.#state.kind === 'running') this.#state.mapped(port, external, out, now)
    this.#drain(out, now)
  }

  /** Ends the tunnel without success; tells the other side if it may know of the tunnel. */
  abandon(out: Batch, now: number): void {
    this.use({ kind: 'close' }, out, now)
    if (this.#state.kind !== 'ended') this.#closed({ kind: 'closed', end: 'closed' }, NOTHING_YET)
  }

  opened(out: Batch, now: number): void {
    const state = this.#state
    if (state.kind === 'opening') this.#ownOpened(state.own, state.purpose, out, now)
    else if (state.kind === 'running') state.opened(out, now)
    this.tick(out, now)
  }

  receive(arrived: Batch, from: number, to: number, out: Batch, now: number): void {
    if (this.#state.kind === 'running') this.#state.receive(arrived, from, to, out, now)
    this.#drain(out, now)
  }

  tick(out: Batch, now: number): void {
    if (this.#state.kind === 'running') this.#state.tick(out, now)
    this.#drain(out, now)
  }

  deadline(): number {
    return this.#state.kind === 'running' ? this.#state.deadline() : NEVER
  }

  #opening(purpose: Purpose): State {
    return { kind: 'opening', own: this.#around.book.open(this, [0], 'own')[0]!, purpose }
  }

  #ownOpened(own: number, purpose: Purpose, out: Batch, now: number): void {
    const ports = this.#around.book.portsOf(own)
    const prepared = (foreseen: Foreseen) =>
      this.#around.emit({ kind: 'prepared', tunnel: this.tunnel, foreseen })
    if (ports === undefined) {
      this.#end()
      this.#around.emit({ kind: 'unprepared', tunnel: this.tunnel })
    } else if (purpose.kind === 'answer') prepared(this.#answer(own, ports, purpose.answering, out))
    else {
      this.#run(own, purpose, now)
      if (purpose.kind === 'offer')
        prepared(foresee(this.#around.natFor(purpose.terms.paths), ports.four ?? 0))
    }
  }

  /** Opens the NAT for the other side before that learns the port (`foresight.ts`). */
  #answer(own: number, { four = 0 }: SocketPorts, answering: Answering, out: Batch): Foreseen {
    const { paths, expected, forgiving } = answering
    const nat = this.#around.natFor(paths)
    const { port, openingTtl } = reply(nat, four, expected, forgiving)
    if (openingTtl !== undefined) out.push(OPENING, expected.words, 0, own, openingTtl)
    this.#state = { kind: 'waiting', own }
    return { port, forgiving: false }
  }

  #run(own: number, purpose: Exclude<Purpose, { kind: 'answer' }>, now: number): void {
    const agreement = purpose.kind === 'begin' ? purpose.agreement : undefined
    const terms = purpose.kind === 'begin' ? purpose.agreement.terms : purpose.terms
    const { tunnel, peer } = this
    const [around, since] = [this.#around, this.#since]
    this.#state = new RunningTunnel({ tunnel, peer, around, part: this, own, terms, agreement, since, now })
  }

  /** Passes the agreement to the prepared machine. If the paths are other ones, discards the machine and starts again. */
  #settle(running: RunningTunnel, agreement: Agreement, out: Batch, now: number): void {
    if (agreement.terms.paths === running.paths) {
      running.agreed(agreement, out, now)
      return
    }
    running.discard(out, now)
    this.#state = this.#opening({ kind: 'begin', agreement })
  }

  #drain(out: Batch, now: number): void {
    if (this.#state.kind !== 'running') return
    const closed = this.#state.poll(out, now)
    if (closed !== undefined) this.#closed(closed, this.#state.machine.status)
  }

  #closed(effect: Extract<TunnelEffect, { kind: 'closed' }>, status: TunnelStatus): void {
    this.#around.emit({ ...effect, tunnel: this.tunnel, status })
    this.#end()
  }

  #end(): void {
    const state = this.#state
    if (state.kind === 'running') state.release()
    else if (state.kind !== 'ended') this.#around.book.close([state.own])
    this.#state = { kind: 'ended' }
  }
}
