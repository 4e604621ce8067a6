/**
 * The life of a session at its node, from proof to end.
 *
 *   proven      the first SEALED datagram has opened. An older session of the peer here ends, and messages on their way to it
 *               are routed to the new one
 *   joining     the directory registers the peer and returns its standing (registration.ts). If the directory knows a newer session, or the peer
 *               may not sign in, the peer is told so and the session ends. Then its networks are joined. Until then nobody
 *               here sees the peer, and its frames are held (peer-frames.ts)
 *   online      the peer is told (KNOWN), and so is its previous node (MOVED). The mailbox is handed over, messages pass, and
 *               held frames are handled
 *   end         messages go to the peer's new node or into its mailbox. The directory is told unless the peer is elsewhere
 *
 * After a GOODBYE the peer is offline immediately; after silence, when three of its own keep-alive intervals have passed.
 */
import type { Standing } from '../../directory.ts'
import type { NetworkId, PeerId, UserId } from '../../ids.ts'
import type { Moved } from '../../wire/node.ts'
import { FRAME } from '../../wire/numbers.ts'
import type { GoodbyeReason } from '../../wire/session.ts'
import type { Wall } from '../wall.ts'
import { TakenAllowances, take } from './allowances.ts'
import type { Blocks } from './blocks.ts'
import type { CheckpointCounters } from './counters.ts'
import type { Credentials } from './credentials.ts'
import type { Deliveries } from './deliveries.ts'
import { newInflow } from './inflow.ts'
import type { Locator } from './locator.ts'
import type { Mailboxes } from './mailboxes.ts'
import type { Messages } from './messages.ts'
import type { Networks } from './networks.ts'
import type { PeerSession } from './peer-session.ts'
import type { Presence } from './presence.ts'
import type { Roster } from './roster.ts'
import type { SessionTable } from './session-table.ts'
import { follows } from './since.ts'
import type { Standings } from './standings.ts'

const NOTHING = new Uint8Array(0)

export interface ResidenceOptions {
  readonly table: SessionTable
  readonly roster: Roster
  readonly networks: Networks
  readonly standings: Standings
  readonly blocks: Blocks
  readonly presence: Presence
  readonly locator: Locator
  readonly deliveries: Deliveries
  readonly mailboxes: Mailboxes
  readonly messages: Messages
  readonly credentials: Credentials
  readonly wall: Wall
  readonly counters: CheckpointCounters
}

export class Residence {
  readonly #options: ResidenceOptions
  readonly #joining = new Map<PeerId, PeerSession>()
  readonly #taken = new TakenAllowances()

  constructor(options: ResidenceOptions) {
    this.#options = options
  }

  /** Sessions of a user, including those that are still joining. */
  *sessionsOf(user: UserId): Iterable<PeerSession> {
    yield* this.#options.roster.ofUser(user)
    for (const session of this.#joining.values()) if (session.user === user) yield session
  }

  sessionOf(peer: PeerId): PeerSession | undefined {
    return this.#joining.get(peer) ?? this.#options.roster.get(peer)
  }

  /**
   * Call when the peer has proven that the session is its own. It is registered once its first datagram has been read.
   */
  prove(session: PeerSession, now: number): void {
    if (session.stage !== 'halfOpen') return
    const { locator, credentials } = this.#options
    const older = this.sessionOf(session.peer)
    session.stage = 'joining'
    const { since } = session
    if (
      older !== undefined &&
      older.since > since &&
      !follows(session, older.since, this.#options.wall.at(now))
    ) {
      this.#dismiss(session, 'replaced')
      return
    }
    credentials.proved(session.peer, since)
    this.#joining.set(session.peer, session)
    locator.forget(session.peer)
    if (older !== undefined) this.#replace(older, now)
    session.announced = older?.announced
    this.#taken.restore(session)
  }

  /** Call when a session has ended without this node ending it. */
  onEnd(ended: PeerSession, how: 'left' | 'lost' | 'ticketEnded', now: number): void {
    if (how === 'lost') this.#options.counters.lost++
    if (how === 'ticketEnded') this.#dismiss(ended, 'ticketEnded')
    this.#leave(ended, true, now)
  }

  /** Ends the session and tells the peer why. */
  end(session: PeerSession, reason: GoodbyeReason, now: number): void {
    const isElsewhere = reason === 'replaced'
    this.#dismiss(session, reason)
    this.#leave(session, !isElsewhere, now)
  }

  /** Handles the next ticket of a peer here, which extends its session. */
  renew(session: PeerSession, text: Uint8Array, now: number): void {
    const { credentials, counters } = this.#options
    if (!take(session, 'tickets', 1, now)) {
      counters.rateLimited++
      return
    }
    const ticket = credentials.renew(session.peer, text, now)
    if (ticket?.user !== session.user) return
    const endsAt = credentials.endOf(ticket, now)
    session.ticketEndsAt = Math.max(session.ticketEndsAt, endsAt)
  }

  /** Applies the standing of a peer here, as read from the tables. Undefined ends the session. */
  stands(session: PeerSession, standing: Standing | undefined, now: number): void {
    if (standing === undefined) {
      this.end(session, 'revoked', now)
      return
    }
    this.setBlocks(session, standing.blocks, now)
    this.setNetworks(session, standing.networks, now)
  }

  /**
   * Sets the version of the user's block list. The list is read before it is needed. If the first message had to wait for it, the
   * sender could tell from the delay that the peer is here.
   */
  setBlocks(session: PeerSession, version: number, now: number): void {
    if (session.blocks === version) return
    const { blocks, presence } = this.#options
    session.blocks = version
    blocks.listOf(session.user, version, () => {}, now)
    if (session.stage === 'online') presence.changed(session, now)
  }

  setNetworks(session: PeerSession, wanted: readonly NetworkId[], now: number): void {
    const { roster, networks, presence } = this.#options
    const before = session.networks
    if (isSame(before, wanted)) return
    if (session.stage !== 'online') {
      session.networks = wanted
      return
    }
    roster.setNetworks(session, wanted)
    networks.left(before, now)
    networks.join(wanted, (at) => presence.changed(session, at), now)
  }

  /** Handles MOVED: the peer has signed in at another node. */
  moved({ peer, since }: Moved, now: number): void {
    const here = this.sessionOf(peer)
    this.#options.locator.forget(peer)
    if (here !== undefined && here.since < since) this.end(here, 'replaced', now)
  }

  /** Brings a peer online whose networks are joined. */
  online(session: PeerSession, now: number): void {
    const { roster, table, presence, mailboxes } = this.#options
    this.#joining.delete(session.peer)
    session.inflow = newInflow('unread')
    session.stage = 'online'
    roster.add(session)
    table.send(session, FRAME.KNOWN, NOTHING)
    presence.told(session, now)
    mailboxes.arrived(session, now)
    this.#options.standings.goOn(session, now)
  }

  /** Ends an older session of a peer at this node. Messages on their way to it go to the newer one. */
  #replace(older: PeerSession, now: number): void {
    this.#dismiss(older, 'replaced')
    this.#leave(older, false, now)
  }

  #dismiss(session: PeerSession, reason: GoodbyeReason): void {
    session.session.goodbye(reason)
    session.stage = 'ended'
    this.#options.table.touch(session)
  }

  #leave(session: PeerSession, tellsDirectory: boolean, now: number): void {
    const { roster, networks, presence, deliveries, messages, table } = this.#options
    session.stage = 'ended'
    this.#taken.keep(session, now)
    table.touch(session)
    if (this.#joining.get(session.peer) === session) this.#joining.delete(session.peer)
    else roster.remove(session)
    networks.left(session.networks, now)
    if (tellsDirectory) presence.signOut(session, now)
    messages.reroute(deliveries.takeLetters(session), now)
  }
}

export const isSame = (some: readonly NetworkId[], others: readonly NetworkId[]): boolean =>
  some === others || (some.length === others.length && some.every((one) => others.includes(one)))
