import { sameBytes } from '../../crypto/hash.ts'
import { staticPublicOf } from '../../crypto/identity.ts'
import { type Ticket, type TicketKeys, verifyTicket } from '../../crypto/ticket.ts'
import { type PeerId, publicKeyOf } from '../../ids.ts'
import type { SignInPayload, WelcomeStatus } from '../../wire/sign-in.ts'

const decoder = new TextDecoder()
/** How far a peer's clock may be from this node's. */
const CLOCK_MS = 5 * 60_000
/** Peers whose last sign-in is remembered. A replay of one that was forgotten takes a place in a ring, and that is all. */
const REMEMBERED = 65_536

/** Whose sign-in it is: checks of tickets and times. Whether the peer may sign in the directory says. */
export class Credentials {
  ticketKeys: TicketKeys
  /** The greatest `sentAt` taken from each peer, least recent first. */
  readonly #sentAt = new Map<PeerId, number>()

  constructor(ticketKeys: TicketKeys) {
    this.ticketKeys = ticketKeys
  }

  /** The ticket of who holds the static key, or why there is none to be had. */
  check({ sentAt, ticket }: SignInPayload, key: Uint8Array, now: number): Ticket | WelcomeStatus {
    if (Math.abs(sentAt - now) > CLOCK_MS) return 'clock'
    const outcome = verifyTicket(decoder.decode(ticket), this.ticketKeys, now)
    if (!outcome.ok) return outcome.status
    const { peer } = outcome.ticket
    const own = staticPublicOf(publicKeyOf(peer))
    if (own === undefined || !sameBytes(own, key)) return 'otherKey'
    return outcome.ticket
  }

  /** The next ticket of a peer that is signed in: undefined where it is not valid, or another's. */
  renew(peer: PeerId, ticket: Uint8Array, now: number): Ticket | undefined {
    const outcome = verifyTicket(decoder.decode(ticket), this.ticketKeys, now)
    return outcome.ok && outcome.ticket.peer === peer ? outcome.ticket : undefined
  }

  /** `new`: the newest sign-in of the peer; then it, and all before it, are dead. `last`: that very one again. */
  rank(peer: PeerId, sentAt: number): 'new' | 'last' | 'old' {
    const last = this.#sentAt.get(peer) ?? 0
    if (sentAt <= last) return sentAt === last ? 'last' : 'old'
    this.#sentAt.delete(peer)
    this.#sentAt.set(peer, sentAt)
    if (this.#sentAt.size > REMEMBERED) this.#sentAt.delete(this.#sentAt.keys().next().value!)
    return 'new'
  }
}
