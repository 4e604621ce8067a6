/**
 * Registers the sessions of this node in the directory, which returns the standing of the peer:
 *
 *   first   when the first datagram of a session has been read. If the directory knows a newer session, or the peer may not
 *           sign in, the session ends. Otherwise it is online once its standing is trusted and its networks are joined
 *   again   after the lease of this node had expired, for a session that is online
 *
 * A session whose registration was answered after its end is signed out.
 */
import type { DirectoryReply } from '../../directory.ts'
import type { NodeId } from '../../ids.ts'
import { encodeMoved } from '../../wire/node.ts'
import { FRAME } from '../../wire/numbers.ts'
import { DelayLine } from '../session/delay-line.ts'
import type { Wall } from '../wall.ts'
import { take } from './allowances.ts'
import type { Asks, ReplyTo } from './asks.ts'
import type { Mailboxes } from './mailboxes.ts'
import type { Networks } from './networks.ts'
import type { NodeLinks } from './node-links.ts'
import type { PeerSession } from './peer-session.ts'
import type { Presence } from './presence.ts'
import { isSame, type Residence } from './residence.ts'
import { follows } from './since.ts'
import type { Reading, Standings } from './standings.ts'

/** Delay before a rate-limited sign-in is tried again. */
const JOIN_MS = 1000

export interface RegistrationOptions {
  readonly node: NodeId
  readonly asks: Asks
  readonly networks: Networks
  readonly standings: Standings
  readonly presence: Presence
  readonly mailboxes: Mailboxes
  readonly links: NodeLinks
  readonly residence: Residence
  readonly wall: Wall
}

export class Registration {
  readonly #options: RegistrationOptions
  /** Sessions whose peers sign in too often, and so have to wait. */
  readonly #patient = new DelayLine<PeerSession>(JOIN_MS)

  constructor(options: RegistrationOptions) {
    this.#options = options
  }

  /**
   * Registers the peer in the directory with the status of its first datagram, so that nobody sees an invisible peer appear. A
   * peer that signs in too often has to wait: sign-ins then burden the directory and others no more than changes of status do.
   */
  join(session: PeerSession, now: number): void {
    if (session.stage !== 'joining') return
    if (take(session, 'joins', 1, now)) this.#announce(session, now)
    else this.#patient.put(session, now)
  }

  tick(now: number): void {
    for (let each = this.#patient.take(now); each !== undefined; each = this.#patient.take(now))
      this.join(each, now)
  }

  deadline(): number {
    return this.#patient.deadline()
  }

  #announce(session: PeerSession, now: number): void {
    const { asks, presence, standings } = this.#options
    session.announced = session.since
    const reading = standings.reading(now)
    asks.ask(
      { kind: 'signIn', item: presence.signingIn(session) },
      (reply, at) => this.#entered(session, reading, reply, at),
      now,
    )
  }

  /** Registers the peer in the directory again, after the lease of this node had expired. */
  again(session: PeerSession, now: number): void {
    const { asks, presence, standings } = this.#options
    const reading = standings.reading(now)
    session.since++
    session.announced = session.since
    asks.ask(
      { kind: 'signIn', item: presence.signingIn(session) },
      (reply, at) => this.#isBack(session, reading, reply, at),
      now,
    )
  }

  #isBack(session: PeerSession, reading: Reading, reply: ReplyTo<'signIn'>, now: number): void {
    if (reply.kind === 'failed') return
    if (session.stage !== 'online') this.#undo(session, reply, now)
    else if (reply.outcome === 'revoked') this.#options.residence.end(session, 'revoked', now)
    else if (reply.outcome === 'stale') this.#options.residence.end(session, 'replaced', now)
    else {
      session.reading = reading
      this.#options.residence.stands(session, reply.standing, now)
      this.#options.presence.told(session, now)
      this.#options.mailboxes.arrived(session, now)
    }
  }

  /** Signs a peer out whose session ended while the directory was registering it. */
  #undo(
    session: PeerSession,
    reply: Pick<Extract<DirectoryReply, { kind: 'signIn' }>, 'outcome'>,
    now: number,
  ): void {
    const here = this.#options.residence.sessionOf(session.peer)
    if (reply.outcome === 'taken' && here === undefined) this.#options.presence.signOut(session, now)
  }

  #entered(session: PeerSession, reading: Reading, reply: ReplyTo<'signIn'>, now: number): void {
    if (reply.kind === 'failed') return
    if (session.stage !== 'joining') this.#undo(session, reply, now)
    else if (reply.outcome === 'stale') this.#stale(session, reply.since, now)
    else if (reply.outcome === 'revoked') this.#options.residence.end(session, 'revoked', now)
    else {
      session.reading = reading
      this.#options.residence.stands(session, reply.standing, now)
      this.#tellOldNode(session, reply.previousNode)
      this.#admit(session, now)
    }
  }

  /** Handles a refusal as `stale`. The session in the directory, with this `since`, is newer or was dated by a wrong clock. */
  #stale(session: PeerSession, since: number, now: number): void {
    if (follows(session, since, this.#options.wall.at(now))) this.#announce(session, now)
    else this.#options.residence.end(session, 'replaced', now)
  }

  /** Brings the peer online once its standing is known and its networks are joined. If they change meanwhile, starts again. */
  #admit(session: PeerSession, now: number): void {
    const { standings, networks } = this.#options
    standings.ensure(
      session,
      (at) => {
        const wanted = session.networks
        const joined = (then: number): void => {
          if (session.stage !== 'joining') return
          if (standings.isTrusted(session, then) && isSame(wanted, session.networks))
            this.#options.residence.online(session, then)
          else this.#admit(session, then)
        }
        networks.join(wanted, joined, at)
      },
      now,
    )
  }

  #tellOldNode({ peer, since }: PeerSession, previous: NodeId | undefined): void {
    const { node, links } = this.#options
    if (previous !== undefined && previous !== node)
      links.send(previous, FRAME.MOVED, encodeMoved({ peer, since }))
  }
}
