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
/** Number of peers whose last sign-in is remembered. A replay of a forgotten one only takes a place among half-open sessions. */
const REMEMBERED = 65_536

/** Checks the tickets and times of sign-ins to identify the peer. The directory decides whether that peer may sign in. */
export class Credentials {
  ticketKeys: TicketKeys
  readonly #wall: Wall
  /** The greatest `since` of the sessions that each peer has proven, least recent first. */
  readonly #since = new Map<PeerId, number>()

  constructor(ticketKeys: TicketKeys, wall: Wall) {
    this.ticketKeys = ticketKeys
    this.#wall = wall
  }

  /** Returns the ticket if it belongs to the holder of the static key, or the status to refuse the sign-in with. */
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

  /** Checks the next ticket of a signed-in peer; undefined if it is invalid or another peer's. */
  renew(peer: PeerId, ticket: Uint8Array, now: number): Ticket | undefined {
    const outcome = verifyTicket(decoder.decode(ticket), this.ticketKeys, this.#wall.at(now))
    return outcome.ok && outcome.ticket.peer === peer ? outcome.ticket : undefined
  }

  /** Time at which a ticket expires, on this machine's clock. At most its whole lifetime from now, in case the wall clock is behind. */
  endOf({ issuedAt, expiresAt }: Ticket, now: number): number {
    return now + Math.min(expiresAt - this.#wall.at(now), expiresAt - issuedAt)
  }

  /**
   * Compares a sign-in with the peer's last proven session. `old`: the peer has proven a newer session. `last`: the peer has
   * proven this one, so the sign-in is a replay. Unproven sign-ins do not count, because anybody can replay them.
   */
  rank(peer: PeerId, since: number, now: number): 'new' | 'last' | 'old' {
    const last = this.#since.get(peer) ?? 0
    if (since > last || isOfWrongClock(last, this.#wall.at(now))) return 'new'
    return since === last ? 'last' : 'old'
  }

  /** Records that the peer has proven a session; older ones are void. */
  proved(peer: PeerId, since: number): void {
    this.#since.delete(peer)
    this.#since.set(peer, since)
    if (this.#since.size > REMEMBERED) this.#since.delete(this.#since.keys().next().value!)
  }
}
