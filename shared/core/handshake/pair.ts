/**
 * The two sides of one tunnel at a HANDSHAKE.
 *
 *   waiting   for a side to join; a side that has joined is told of the relay already
 *   trying    both sides are there and an attempt runs
 *   settled   both sides were told the outcome
 *
 * A side that joins again during an attempt lost its session: the attempt starts again with both. After the outcome, a
 * new attempt waits until both have joined again. Attempts are numbered, so that their plans differ.
 */
import type { OpenedGrant } from '../../crypto/grant.ts'
import type { NetworkId, NodeId, TunnelId } from '../../ids.ts'
import type { Outcome, StepKind } from '../../wire/handshake.ts'
import { Attempt, type Order, type Sides } from './attempt.ts'
import { Leg } from './leg.ts'
import type { Relay } from './relays.ts'

/** How long a side waits for the other. Meanwhile it asks its CHECKPOINT to direct the other one here. */
const WAIT_MS = 60_000
/** The next attempt comes after ten minutes at most: its number and its relay are remembered for longer. */
const FAILED_MEMORY_MS = 660_000
/** How long a pair with a direct path is remembered: a path that fails does so early, and the pair then tries again. */
const DIRECT_MEMORY_MS = 180_000
/** A pair that rejoins this soon could not use its relay, so it gets another one. */
const HASTE_MS = 15_000
const never = Number.POSITIVE_INFINITY

export class Pair {
  readonly tunnel: TunnelId
  /** Offering side first; undefined until the side has tried to join. */
  readonly legs: [Leg | undefined, Leg | undefined] = [undefined, undefined]
  attempt: Attempt | undefined
  /** How the tunnel was counted. */
  countedAs: 'direct' | 'relayed' | undefined
  /** Name of the two networks, once their history was asked for. */
  networks: string | undefined
  /** Index in the table of pairs. */
  readonly slot: number
  #history: StepKind | undefined
  #attempts = 0
  /** The next request for a relay begins a new round. */
  #newRound = true
  #nextStep = 1
  #relay: NodeId | undefined
  #relayAt = Number.NEGATIVE_INFINITY
  #endAt: number
  #closed = false

  constructor(tunnel: TunnelId, slot: number, now: number) {
    this.tunnel = tunnel
    this.slot = slot
    this.#endAt = now + WAIT_MS
  }

  /** The network that pays for a relay, if a present side's grant names one. */
  get network(): NetworkId | undefined {
    return this.legs[0]?.grant.network ?? this.legs[1]?.grant.network
  }

  leg(grant: OpenedGrant): Leg {
    const leg = this.legs[grant.leg] ?? new Leg(grant)
    this.legs[grant.leg] = leg
    return leg
  }

  /** A side has joined. True if that starts an attempt. */
  joined(side: 0 | 1, now: number): boolean {
    const [own, other] = [this.legs[side]!, this.legs[side === 0 ? 1 : 0]]
    if (this.attempt?.over === true && other !== undefined) other.joined = false
    if (other?.joined !== true) this.#newRound = true
    own.joined = true
    this.#endAt = now + WAIT_MS
    if (other?.joined !== true || other.session?.state !== 'open') {
      this.attempt = undefined
      return false
    }
    this.attempt = new Attempt(this.#attempts++, this.#nextStep, now)
    this.attempt.history = this.#history
    return true
  }

  /** The side's session ended. If no attempt exists, the side has to join again. */
  left(leg: Leg): void {
    leg.unseat()
    if (this.attempt === undefined) leg.joined = false
  }

  /** True once a side has closed the tunnel: no attempt is made any more. */
  hearsClose(): boolean {
    if (this.legs.some((leg) => leg?.session?.reason === 'closed')) {
      this.#closed = true
      this.attempt = undefined
    }
    return this.#closed
  }

  /** Closes both sessions, as the tunnel is closed: a side without a path would otherwise wait in vain. */
  dismiss(): void {
    for (const leg of this.legs) if (leg?.joined) leg.session?.goodbye('closed')
  }

  remember(technique: StepKind): void {
    this.#history = technique
    if (this.attempt !== undefined) this.attempt.history = technique
  }

  /** The order to send to both sides now, if there is one. */
  advance(now: number): Order | undefined {
    const sides = this.sides
    const order = sides && this.attempt?.advance(sides, now)
    if (this.attempt !== undefined) this.#nextStep = this.attempt.nextStep
    if (order?.kind === 'outcome') this.#endAt = now + memoryMs(order.outcome)
    return order
  }

  get sides(): Sides | undefined {
    const [a, b] = this.legs
    if (a === undefined || b === undefined) return undefined
    return {
      profiles: [a.profile, b.profile],
      roundTripMs: [a.roundTripMs, b.roundTripMs],
      standing: { seen: [a.seen, b.seen], relayed: a.relayed && b.relayed },
    }
  }

  /** The relay for both sides. It stays the same from round to round, unless it is gone or could not be used. */
  relayFrom(relays: readonly Relay[], now: number): Relay | undefined {
    const known = relays.find(({ node }) => node === this.#relay)
    const hasty = this.#newRound && now - this.#relayAt < HASTE_MS
    if (this.#newRound) this.#relayAt = now
    this.#newRound = false
    if (known !== undefined && !hasty) return known
    const chosen = relays.find(({ node }) => node !== this.#relay) ?? known
    this.#relay = chosen?.node
    return chosen
  }

  /** The offered side has accepted: it joins only then. */
  get isWanted(): boolean {
    return this.legs[1] !== undefined
  }

  /** True if both sides have acknowledged the outcome. */
  get isSettled(): boolean {
    return this.attempt?.over === true && this.legs.every((leg) => leg?.session?.settled ?? true)
  }

  /** True if the pair need not be remembered any longer. */
  isOver(now: number): boolean {
    return now >= this.#endAt && (this.attempt === undefined || this.attempt.over)
  }

  deadline(): number {
    const [a, b] = this.legs
    const end = this.attempt === undefined || this.attempt.over ? this.#endAt : never
    return Math.min(a?.deadline() ?? never, b?.deadline() ?? never, this.attempt?.deadline() ?? never, end)
  }
}

const memoryMs = ({ path }: Outcome): number => (path === 'direct' ? DIRECT_MEMORY_MS : FAILED_MEMORY_MS)
