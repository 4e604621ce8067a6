/** The part of INDEX that nodes depend on: it issues tickets, and nodes know its public key. */
import { type Identity, identityOf, sign } from '../../shared/crypto/identity.ts'
import type { TicketKeys } from '../../shared/crypto/ticket.ts'
import type { PeerId } from '../../shared/ids.ts'
import { LIMITS } from '../../shared/limits.ts'
import type { Dice } from './dice.ts'
import type { Tables } from './tables.ts'

const KEY_ID = 'sim'

export interface IssuedTicket {
  readonly ticket: string
  readonly expiresAt: number
}

export class Issuer {
  readonly keys: TicketKeys
  ticketMs: number = LIMITS.ticketMs
  /** Number of tickets issued so far. */
  issued = 0
  readonly #tables: Tables
  readonly #identity: Identity

  constructor(tables: Tables, dice: Dice) {
    this.#tables = tables
    this.#identity = identityOf(dice.fork('issuer').bytes(32))
    this.keys = new Map([[KEY_ID, this.#identity.publicKey]])
  }

  /** Issues a ticket. Undefined for a peer that is not, or no longer, enrolled. `now` is the clock of INDEX. */
  ticket(peer: PeerId, now: number): IssuedTicket | undefined {
    const user = this.#tables.peers.get(peer)
    if (user === undefined) return undefined
    this.issued++
    const iat = Math.floor(now / 1000)
    const exp = Math.floor((now + this.ticketMs) / 1000)
    return { ticket: this.#signed({ sub: peer, usr: user, iat, exp }), expiresAt: exp * 1000 }
  }

  #signed(claims: object): string {
    const text = `${base64url({ alg: 'EdDSA', kid: KEY_ID })}.${base64url(claims)}`
    return `${text}.${Buffer.from(sign(this.#identity, Buffer.from(text))).toString('base64url')}`
  }
}

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
