/**
 * One direction of a link. Packets leave it in order, delayed by latency and jitter, except those that are lost, duplicated
 * or reordered by chance. A packet above the MTU is lost: peers do not fragment, and the simulation has no ICMP.
 */
import type { Dice } from './dice.ts'

export interface LinkProfile {
  readonly latencyMs: number
  /** Mean of the exponentially distributed delay that is added to the latency. */
  readonly jitterMs: number
  /** Probabilities, 0 to 1. */
  readonly loss: number
  readonly duplicate: number
  readonly reorder: number
  /** Largest IP packet, in bytes with headers. */
  readonly mtu: number
}

/** A wire with almost no latency, no jitter and no loss. */
export const WIRE: LinkProfile = { latencyMs: 0.1, jitterMs: 0, loss: 0, duplicate: 0, reorder: 0, mtu: 1500 }
export const BROADBAND: LinkProfile = { ...WIRE, latencyMs: 12, jitterMs: 1 }
export const MOBILE: LinkProfile = { ...WIRE, latencyMs: 35, jitterMs: 12, loss: 0.005, reorder: 0.005 }
export const DATA_CENTRE: LinkProfile = { ...WIRE, latencyMs: 0.4, jitterMs: 0.05 }

export class Link {
  profile: LinkProfile
  readonly #dice: Dice
  #lastArrivalAt = 0

  constructor(profile: LinkProfile, dice: Dice) {
    this.profile = profile
    this.#dice = dice
  }

  /** Returns the times at which a packet that enters now leaves: none, one or two. */
  arrivals(now: number, bytes: number): readonly number[] {
    const { mtu, loss, duplicate } = this.profile
    if (bytes > mtu || this.#dice.chance(loss)) return []
    const first = this.#arrival(now)
    return this.#dice.chance(duplicate) ? [first, this.#arrival(now)] : [first]
  }

  #arrival(now: number): number {
    const { latencyMs, jitterMs, reorder } = this.profile
    const at = now + latencyMs + this.#dice.exponential(jitterMs)
    if (this.#dice.chance(reorder)) return at + this.#dice.float() * (2 * latencyMs + 10)
    this.#lastArrivalAt = Math.max(this.#lastArrivalAt, at)
    return this.#lastArrivalAt
  }
}
