/**
 * Calls: how a tunnel comes about, from the request until data can be sent. Each call ends by itself: an outgoing one
 * at its timeout, an incoming one if the application does not decide within DECIDE_MS.
 */
import type { PeerId, TunnelId } from '../../ids.ts'
import type { Address } from '../../wire/address.ts'
import type { TunnelTerms } from '../../wire/offers.ts'
import type {
  CallFailure,
  EndpointEffect,
  PeerEffect,
  PeerInput,
  TunnelsEffect,
  TunnelsInput,
} from './events.ts'

/** An offer that the application has not decided by then is refused. */
export const DECIDE_MS = 30_000
const NEVER = Number.POSITIVE_INFINITY

interface Outgoing {
  /** The application's number for the call. */
  readonly id: number
  readonly to: PeerId
  readonly intent: string
  readonly terms: TunnelTerms
  readonly until: number
}

/**
 * A call of this peer:
 *
 *   preparing   its socket is being opened
 *   offered     the other side decides
 *   agreed      until data can be sent
 */
export type OutgoingCall = Outgoing & { readonly kind: 'preparing' | 'offered' | 'agreed' }

interface Incoming {
  readonly from: PeerId
  readonly terms: TunnelTerms
}

/**
 * A call of another peer:
 *
 *   undecided   our application decides
 *   preparing   the application accepts, and the socket is being opened
 *   agreed      until data can be sent
 */
export type IncomingCall = Incoming &
  (
    | {
        readonly kind: 'undecided'
        readonly expected: Address
        readonly forgiving: boolean
        readonly until: number
      }
    | { readonly kind: 'preparing'; readonly own: TunnelTerms }
    | { readonly kind: 'agreed' }
  )

export interface CallsOptions {
  readonly toSession: (input: PeerInput) => void
  readonly toTunnels: (input: TunnelsInput) => void
  readonly emit: (effect: EndpointEffect) => void
}

export interface Wanted {
  readonly id: number
  readonly to: PeerId
  readonly intent: string
  readonly terms: TunnelTerms
  readonly timeoutMs: number
}

export class Calls {
  /** False: incoming offers are refused. */
  listening = false
  readonly #options: CallsOptions
  readonly #outgoing = new Map<TunnelId, OutgoingCall>()
  readonly #incoming = new Map<TunnelId, IncomingCall>()

  constructor(options: CallsOptions) {
    this.#options = options
  }

  connect(tunnel: TunnelId, { id, to, intent, terms, timeoutMs }: Wanted, now: number): void {
    this.#outgoing.set(tunnel, { kind: 'preparing', id, to, intent, terms, until: now + timeoutMs })
    this.#options.toTunnels({ kind: 'prepare', tunnel, peer: to, terms })
  }

  /** The application cancels a call. */
  stop(id: number): void {
    for (const [tunnel, call] of this.#outgoing)
      if (call.id === id) this.#giveUp(tunnel, call, { kind: 'stopped' })
  }

  accept(tunnel: TunnelId, own: TunnelTerms): void {
    const call = this.#incoming.get(tunnel)
    if (call?.kind !== 'undecided') {
      this.#options.emit({ kind: 'failed', tunnel, why: { kind: 'decided' } })
      return
    }
    const { from, terms, expected, forgiving } = call
    if (excludeEachOther(own.paths, terms.paths)) {
      this.refuse(tunnel, 'paths')
      this.#options.emit({
        kind: 'failed',
        tunnel,
        why: { kind: 'refused', outcome: 'refused', reason: 'paths' },
      })
      return
    }
    this.#incoming.set(tunnel, { kind: 'preparing', from, terms, own })
    const answering = { paths: own.paths, expected, forgiving }
    this.#options.toTunnels({ kind: 'prepareAnswer', tunnel, peer: from, ...answering })
  }

  refuse(tunnel: TunnelId, reason: string): void {
    if (this.#incoming.get(tunnel)?.kind !== 'undecided') return
    this.#incoming.delete(tunnel)
    this.#options.toSession({ kind: 'refuse', tunnel, reason })
  }

  /** Another peer offers a tunnel. */
  offered({ kind: _, intent, ...offer }: Extract<PeerEffect, { kind: 'offer' }>, now: number): void {
    const { tunnel, from, terms } = offer
    this.#incoming.set(tunnel, { kind: 'undecided', ...offer, until: now + DECIDE_MS })
    if (this.listening) this.#options.emit({ kind: 'offer', tunnel, from, intent, terms })
    else this.refuse(tunnel, 'not-listening')
  }

  /** The other side has received our offer but not decided yet. */
  ringing({ tunnel, direction }: Extract<PeerEffect, { kind: 'ringing' }>): void {
    const call = this.#outgoing.get(tunnel)
    if (call?.kind !== 'offered') return
    this.#options.toTunnels({ kind: 'approach', tunnel, direction })
    this.#options.emit({ kind: 'ringing', id: call.id })
  }

  agreed({ agreement }: Extract<PeerEffect, { kind: 'agreed' }>): void {
    const { tunnel, peer } = agreement
    const [outgoing, incoming] = [this.#outgoing.get(tunnel), this.#incoming.get(tunnel)]
    if (outgoing !== undefined) this.#outgoing.set(tunnel, { ...outgoing, kind: 'agreed' })
    else if (incoming !== undefined) {
      const { from, terms } = incoming
      this.#incoming.set(tunnel, { kind: 'agreed', from, terms })
    } else return
    this.#options.emit({ kind: 'agreed', tunnel, peer, ...(outgoing && { id: outgoing.id }) })
    this.#options.toTunnels({ kind: 'agreed', agreement })
  }

  /** The other side or a node refused the offer, or our acceptance came too late. */
  refused({ tunnel, outcome, reason }: Extract<PeerEffect, { kind: 'refused' }>): void {
    this.#fail(tunnel, { kind: 'refused', outcome, reason })
    this.#options.toTunnels({ kind: 'abandon', tunnel })
  }

  /** The tunnel's socket is open. */
  prepared({ tunnel, foreseen }: Extract<TunnelsEffect, { kind: 'prepared' }>): void {
    const [outgoing, incoming] = [this.#outgoing.get(tunnel), this.#incoming.get(tunnel)]
    if (outgoing?.kind === 'preparing') {
      const { to, intent, terms } = outgoing
      this.#outgoing.set(tunnel, { ...outgoing, kind: 'offered' })
      this.#options.toSession({ kind: 'offer', tunnel, to, intent, terms, foreseen })
    } else if (incoming?.kind === 'preparing') {
      const { own: terms } = incoming
      this.#options.toSession({ kind: 'accept', tunnel, terms, port: foreseen.port })
    }
  }

  /** The system opened no socket for the tunnel. */
  unprepared(tunnel: TunnelId): void {
    if (this.#incoming.has(tunnel)) this.#options.toSession({ kind: 'refuse', tunnel, reason: 'no-socket' })
    this.#fail(tunnel, { kind: 'noSocket' })
  }

  /** Data can be sent on a tunnel, for the first time or on another path. */
  opened(tunnel: TunnelId): void {
    const outgoing = this.#outgoing.get(tunnel)
    if (outgoing === undefined && !this.#incoming.has(tunnel)) return
    this.#forget(tunnel)
    this.#options.emit({ kind: 'opened', tunnel, ...(outgoing && { id: outgoing.id }) })
  }

  /** A tunnel ended. If it was never open, its call failed. */
  closed({ tunnel, end, whyNotDirect }: Extract<TunnelsEffect, { kind: 'closed' }>): void {
    this.#fail(tunnel, { kind: 'noPath', end, ...(whyNotDirect && { whyNotDirect }) })
  }

  tick(now: number): void {
    for (const [tunnel, call] of this.#outgoing)
      if (call.until <= now) this.#giveUp(tunnel, call, { kind: 'timeout' })
    for (const [tunnel, call] of this.#incoming)
      if (call.kind === 'undecided' && call.until <= now) this.#lapse(tunnel)
  }

  deadline(): number {
    let least = NEVER
    for (const { until } of this.#outgoing.values()) least = Math.min(least, until)
    for (const call of this.#incoming.values())
      if (call.kind === 'undecided') least = Math.min(least, call.until)
    return least
  }

  /** The endpoint ends: all calls fail. */
  end(): void {
    for (const tunnel of [...this.#outgoing.keys(), ...this.#incoming.keys()])
      this.#fail(tunnel, { kind: 'closed' })
  }

  #lapse(tunnel: TunnelId): void {
    this.refuse(tunnel, 'no-decision')
    this.#options.emit({ kind: 'lapsed', tunnel })
  }

  #giveUp(tunnel: TunnelId, call: OutgoingCall, why: CallFailure): void {
    this.#fail(tunnel, why)
    if (call.kind === 'offered') this.#options.toSession({ kind: 'withdraw', tunnel })
    this.#options.toTunnels({ kind: 'abandon', tunnel })
  }

  #fail(tunnel: TunnelId, why: CallFailure): void {
    const outgoing = this.#outgoing.get(tunnel)
    if (outgoing === undefined && !this.#incoming.has(tunnel)) return
    this.#forget(tunnel)
    this.#options.emit({ kind: 'failed', tunnel, why, ...(outgoing && { id: outgoing.id }) })
  }

  #forget(tunnel: TunnelId): void {
    this.#outgoing.delete(tunnel)
    this.#incoming.delete(tunnel)
  }
}

/** True if both sides restrict the paths and the restrictions contradict each other. */
const excludeEachOther = (one: TunnelTerms['paths'], other: TunnelTerms['paths']): boolean =>
  one !== 'auto' && other !== 'auto' && one !== other
