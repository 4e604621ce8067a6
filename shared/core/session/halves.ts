/**
 * What a session needs while something is under way. A node has very many sessions, and most are idle: such a session rests,
 * which leaves three numbers of it.
 */
import type { Random } from '../../crypto/random.ts'
import type { AddressCredit } from '../address-credit.ts'
import { Follower } from './follower.ts'
import { Incoming } from './incoming.ts'
import { Outgoing } from './outgoing.ts'

export interface Rest {
  /** Numbers of the next frame in each direction. */
  readonly nextOut: number
  readonly nextIn: number
  /** Smoothed round-trip time in whole milliseconds; 0 before the first sample. */
  readonly roundTripMs: number
}

export interface HalvesOptions {
  readonly ackDelayMs: number
  readonly challenges: Random | undefined
  readonly credit?: AddressCredit | undefined
}

export class Halves {
  readonly outgoing: Outgoing
  readonly incoming: Incoming
  readonly follower: Follower

  constructor({ nextOut, nextIn, roundTripMs }: Rest, { ackDelayMs, challenges, credit }: HalvesOptions) {
    this.outgoing = new Outgoing(nextOut, roundTripMs)
    this.incoming = new Incoming(ackDelayMs, nextIn)
    this.follower = new Follower(challenges, credit)
  }

  /** Whether nothing is under way. */
  isIdle(now: number): boolean {
    return this.outgoing.idle && this.incoming.isIdle(now) && this.follower.isSettled
  }
}
