/**
 * One round of attempts to sign in, at one place after another:
 *
 *   looking     the nodes are in several regions: finds out which are near (`nearest.ts`)
 *   signing in  one attempt at a place (`sign-in.ts`)
 *
 * The owner judges a WELCOME, and then goes on by `skip` or `correct`, or ends the round.
 */
import type { Identity } from '../../crypto/identity.ts'
import type { Random } from '../../crypto/random.ts'
import type { Batch } from '../../wire/batch.ts'
import { KIND } from '../../wire/numbers.ts'
import type { PeerNode } from './events.ts'
import { Nearest, nearestFirst, type Place } from './nearest.ts'
import type { NodeClock } from './node-clock.ts'
import { SignInAttempt, type Welcomed } from './sign-in.ts'
import type { Ticket } from './ticket.ts'

interface Stop extends Place {
  /** Our clock was corrected once for this node; a node that rejects the time again is skipped. */
  readonly corrected?: true
}

export interface RoundOptions {
  readonly identity: Identity
  readonly random: Random
  readonly clock: NodeClock
  /** Valid when the round begins. It may be replaced meanwhile. */
  readonly ticket: Ticket
  /** At least one, in the order in which they are tried. */
  readonly places: readonly Place[]
  /** True if the nearest place is found out first. */
  readonly looks: boolean
  readonly now: number
}

export interface Answered extends Welcomed {
  readonly node: PeerNode
}

export class Round {
  readonly kind = 'round'
  readonly #options: RoundOptions
  #left: readonly Stop[]
  #nearest: Nearest | undefined
  #signingIn: { readonly attempt: SignInAttempt; readonly place: Stop } | undefined

  constructor(options: RoundOptions) {
    const { places, looks, random, now } = options
    this.#options = options
    this.#left = places
    if (looks) this.#nearest = new Nearest(places, random, now)
    else this.skip(now)
  }

  /** False when every place has failed. */
  tick(out: Batch, now: number): boolean {
    if (this.#nearest?.tick(out, now) === false) this.skip(now)
    while (this.#signingIn?.attempt.tick(out, now) === false) this.skip(now)
    return this.#nearest !== undefined || this.#signingIn !== undefined
  }

  deadline(): number {
    return this.#nearest?.deadline() ?? this.#signingIn?.attempt.deadline() ?? Number.NEGATIVE_INFINITY
  }

  /** Takes a datagram; false if it does not belong to the round. */
  take(bytes: Uint8Array, out: Batch, now: number): Answered | boolean {
    if (this.#nearest !== undefined) return this.#takeNearest(this.#nearest, bytes, now)
    if (this.#signingIn === undefined) return false
    const { attempt, place } = this.#signingIn
    if (bytes[1] === KIND.COOKIE) return attempt.takeCookie(bytes, out)
    const welcomed = bytes[1] === KIND.WELCOME ? attempt.takeWelcome(bytes, now) : undefined
    return welcomed !== undefined && { ...welcomed, node: place.node }
  }

  /** Goes on to the next place. */
  skip(now: number): void {
    const [place, ...left] = this.#left
    this.#nearest = undefined
    this.#left = left
    this.#signingIn = place && { attempt: this.#attempt(place, now), place }
  }

  /** The node refused the time of the sign-in, and the clock is corrected now: tries the same place once more. */
  correct(now: number): void {
    const place = this.#signingIn!.place
    this.#options.clock.restart()
    if (!place.corrected) this.#left = [{ ...place, corrected: true }, ...this.#left]
    this.skip(now)
  }

  #attempt(place: Stop, now: number): SignInAttempt {
    const { identity, random, clock, ticket } = this.#options
    const sentAt = clock.signInAt(now)
    return new SignInAttempt({
      ...place,
      identity,
      index: random.u32(),
      ticket: ticket.bytes!,
      sentAt,
      ephemeralSeed: random.bytes(32),
      renews: random.fork('renews'),
    })
  }

  #takeNearest(nearest: Nearest, bytes: Uint8Array, now: number): boolean {
    const answered = nearest.take(bytes)
    if (answered === undefined) return false
    this.#left = nearestFirst(this.#left, answered)
    this.skip(now)
    return true
  }
}
