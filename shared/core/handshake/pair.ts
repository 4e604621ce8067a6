/**
 * The two sides of one tunnel at a HANDSHAKE.
 *
 *   waiting   for a side to join; a side that has joined is told of the relay already
 *   trying    both are there and an attempt goes on
 *   settled   both were told the outcome
 *
 * A side that joins again while an attempt goes on lost its session: the attempt starts afresh with both. After the
 * outcome a new attempt waits until both have joined again. Each attempt has the next number, so that its plan differs.
 */
import type { OpenedGrant } from '../../crypto/grant.ts'
import type { NetworkId, NodeId, TunnelId } from '../../ids.ts'
import type { Outcome, StepKind } from '../../wire/handshake.ts'
import { Attempt, type Order, type Sides } from './attempt.ts'
import { Leg } from './leg.ts'
import type { Relay } from './relays.ts'

/** A side that is alone asks its CHECKPOINT to lead the other one here meanwhile. */
const WAIT_MS = 60_000
/** The next attempt comes after ten minutes at most: its number and its relay are remembered for longer. */
const FAILED_MEMORY_MS = 660_000
/** A path that works may die young. */
const DIRECT_MEMORY_MS = 180_000
/** Who begins again this soon found the relay of no use. */
const HASTE_MS = 15_000
const never = Number.POSITIVE_INFINITY

export class Pair {
  readonly tunnel: TunnelId
  /** Offering side first; a side is there once it has tried to join. */
  readonly legs: [Leg | undefined, Leg | undefined] = [undefined, undefined]
  attempt: Attempt | undefined
  /** What the tunnel was counted as. */
  countedAs: 'direct' | 'relayed' | undefined
  /** The networks it lies between, once they were asked about. */
  networks: string | undefined
  /** In the table of pairs. */
  readonly slot: number
  #history: StepKind | undefined
  #attempts = 0
  /** The next relay is chosen for a new round. */
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

  /** Which network pays for a relay, as far as a side that is here has been told. */
  get network(): NetworkId | undefined {
    return this.legs[0]?.grant.network ?? this.legs[1]?.grant.network
  }

  leg(grant: OpenedGrant): Leg {
    const leg = this.legs[grant.leg] ?? new Leg(grant)
    this.legs[grant.leg] = leg
    return leg
  }

  /** A side has joined: true where that starts an attempt. */
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

  /** Its session ended. While nothing goes on, it has to join again. */
  left(leg: Leg): void {
    leg.unseat()
    if (this.attempt === undefined) leg.joined = false
  }

  /** True once a side has closed the tunnel: nothing is tried any more. */
  hearsClose(): boolean {
    if (this.legs.some((leg) => leg?.session?.reason === 'closed')) {
      this.#closed = true
      this.attempt = undefined
    }
    return this.#closed
  }

  remember(technique: StepKind): void {
    this.#history = technique
    if (this.attempt !== undefined) this.attempt.history = technique
  }

  /** What both are to be told now, if anything. */
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

  /** The relay stays the same from round to round, unless it went or did not serve. Both sides get the same. */
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

  /** The side that was offered it has accepted, as only then it comes here. */
  get isWanted(): boolean {
    return this.legs[1] !== undefined
  }

  /** Both know the outcome. */
  get isSettled(): boolean {
    return this.attempt?.over === true && this.legs.every((leg) => leg?.session?.settled ?? true)
  }

  /** True when there is nothing left to remember. */
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
