import { sameBytes } from '../../crypto/hash.ts'
import { staticPublicOf } from '../../crypto/identity.ts'
import { type Ticket, type TicketKeys, verifyTicket } from '../../crypto/ticket.ts'
import { type PeerId, publicKeyOf } from '../../ids.ts'
import type { SignInPayload, WelcomeStatus } from '../../wire/sign-in.ts'
import type { Wall } from '../wall.ts'
import { isOfWrongClock } from './since.ts'

const decoder = new TextDecoder()
/** How far a peer's clock may be from this node's. */
const CLOCK_MS = 5 * 60_000
/** Peers whose last sign-in is remembered. A replay of one that was forgotten takes a place in a ring, and that is all. */
const REMEMBERED = 65_536

/** Whose sign-in it is: checks of tickets and times. Whether the peer may sign in the directory says. */
export class Credentials {
  ticketKeys: TicketKeys
  readonly #wall: Wall
  /** The greatest `since` of the sessions that each peer has proven, least recent first. */
  readonly #since = new Map<PeerId, number>()

  constructor(ticketKeys: TicketKeys, wall: Wall) {
    this.ticketKeys = ticketKeys
    this.#wall = wall
  }

  /** The ticket of who holds the static key, or why there is none to be had. */
  check({ sentAt, ticket }: SignInPayload, key: Uint8Array, now: number): Ticket | WelcomeStatus {
    const wallNow = this.#wall.at(now)
    if (Math.abs(sentAt - wallNow) > CLOCK_MS) return 'clock'
    const outcome = verifyTicket(decoder.decode(ticket), this.ticketKeys, wallNow)
    if (!outcome.ok) return outcome.status
    const { peer } = outcome.ticket
    const own = staticPublicOf(publicKeyOf(peer))
    if (own === undefined || !sameBytes(own, key)) return 'otherKey'
    return outcome.ticket
  }

  /** The next ticket of a peer that is signed in: undefined where it is not valid, or another's. */
  renew(peer: PeerId, ticket: Uint8Array, now: number): Ticket | undefined {
    const outcome = verifyTicket(decoder.decode(ticket), this.ticketKeys, this.#wall.at(now))
    return outcome.ok && outcome.ticket.peer === peer ? outcome.ticket : undefined
  }

  /** When a ticket ends, by the time of this machine. No later than its whole life from now, if the wall clock is behind. */
  endOf({ issuedAt, expiresAt }: Ticket, now: number): number {
    return now + Math.min(expiresAt - this.#wall.at(now), expiresAt - issuedAt)
  }

  /**
   * `old`: the peer has proven a newer session. `last`: this very one, so the sign-in is a replay. What nobody has proven
   * does not count, as anybody can replay it.
   */
  rank(peer: PeerId, since: number, now: number): 'new' | 'last' | 'old' {
    const last = this.#since.get(peer) ?? 0
    if (since > last || isOfWrongClock(last, this.#wall.at(now))) return 'new'
    return since === last ? 'last' : 'old'
  }

  /** The session is the peer's: older ones are dead. */
  proved(peer: PeerId, since: number): void {
    this.#since.delete(peer)
    this.#since.set(peer, since)
    if (this.#since.size > REMEMBERED) this.#since.delete(this.#since.keys().next().value!)
  }
}
