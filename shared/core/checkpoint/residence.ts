/**
 * The life of a session at its node, from proof to end.
 *
 *   proven      the first SEALED datagram has opened. An older session of the peer here ends, and messages on their way to it
 *               are routed to the new one
 *   joining     the directory registers the peer and returns its standing. If the directory knows a newer session, or the peer
 *               may not sign in, the peer is told so and the session ends. Then its networks are joined. Until then nobody
 *               here sees the peer, and its frames are held (peer-frames.ts)
 *   online      the peer is told (KNOWN), and so is its previous node (MOVED). The mailbox is handed over, messages pass, and
 *               held frames are handled
 *   end         messages go to the peer's new node or into its mailbox. The directory is told unless the peer is elsewhere
 *
 * After a GOODBYE the peer is offline immediately; after silence, when three of its own keep-alive intervals have passed.
 */
import type { DirectoryReply, Standing } from '../../directory.ts'
import type { NetworkId, NodeId, PeerId, UserId } from '../../ids.ts'
import { encodeMoved, type Moved } from '../../wire/node.ts'
import { FRAME } from '../../wire/numbers.ts'
import type { GoodbyeReason } from '../../wire/session.ts'
import { DelayLine } from '../session/delay-line.ts'
import type { Wall } from '../wall.ts'
import { TakenAllowances, take } from './allowances.ts'
import type { Asks, ReplyTo } from './asks.ts'
import type { Blocks } from './blocks.ts'
import type { CheckpointCounters } from './counters.ts'
import type { Credentials } from './credentials.ts'
import type { Deliveries } from './deliveries.ts'
import { newInflow } from './inflow.ts'
import type { Locator } from './locator.ts'
import type { Mailboxes } from './mailboxes.ts'
import type { Messages } from './messages.ts'
import type { Networks } from './networks.ts'
import type { NodeLinks } from './node-links.ts'
import type { PeerSession } from './peer-session.ts'
import type { Presence } from './presence.ts'
import type { Roster } from './roster.ts'
import type { SessionTable } from './session-table.ts'
import { isOfWrongClock } from './since.ts'
import type { Reading, Standings } from './standings.ts'

const NOTHING = new Uint8Array(0)
/** Delay before a rate-limited sign-in is tried again. */
const JOIN_MS = 1000

export interface ResidenceOptions {
  readonly node: NodeId
  readonly asks: Asks
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
  readonly links: NodeLinks
  readonly credentials: Credentials
  readonly wall: Wall
  readonly counters: CheckpointCounters
}

export class Residence {
  readonly #options: ResidenceOptions
  readonly #joining = new Map<PeerId, PeerSession>()
  readonly #taken = new TakenAllowances()
  /** Sessions whose peers sign in too often, and so have to wait. */
  readonly #patient = new DelayLine<PeerSession>(JOIN_MS)

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

  /** Call when the peer has proven that the session is its own. `join` follows once its first datagram has been read. */
  prove(session: PeerSession, now: number): void {
    if (session.stage !== 'halfOpen') return
    const { locator, credentials } = this.#options
    const older = this.sessionOf(session.peer)
    session.stage = 'joining'
    const { since } = session
    if (older !== undefined && older.since > since && !this.#follows(session, older.since, now)) {
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

  #entered(session: PeerSession, reading: Reading, reply: ReplyTo<'signIn'>, now: number): void {
    if (reply.kind === 'failed') return
    if (session.stage !== 'joining') this.#undo(session, reply, now)
    else if (reply.outcome === 'stale') this.#stale(session, reply.since, now)
    else if (reply.outcome === 'revoked') this.end(session, 'revoked', now)
    else {
      session.reading = reading
      this.stands(session, reply.standing, now)
      this.#tellOldNode(session, reply.previousNode)
      this.#admit(session, now)
    }
  }

  /** Handles a refusal as `stale`. The session in the directory, with this `since`, is newer or was dated by a wrong clock. */
  #stale(session: PeerSession, since: number, now: number): void {
    if (this.#follows(session, since, now)) this.#announce(session, now)
    else this.end(session, 'replaced', now)
  }

  /** Makes a session newer than one dated by a wrong clock; false if the other one is really newer. */
  #follows(session: PeerSession, other: number, now: number): boolean {
    if (!isOfWrongClock(other, this.#options.wall.at(now))) return false
    session.since = other + 1
    return true
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
            this.#online(session, then)
          else this.#admit(session, then)
        }
        networks.join(wanted, joined, at)
      },
      now,
    )
  }

  #online(session: PeerSession, now: number): void {
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

  #tellOldNode({ peer, since }: PeerSession, previous: NodeId | undefined): void {
    const { node, links } = this.#options
    if (previous !== undefined && previous !== node)
      links.send(previous, FRAME.MOVED, encodeMoved({ peer, since }))
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
    else if (reply.outcome === 'revoked') this.end(session, 'revoked', now)
    else if (reply.outcome === 'stale') this.end(session, 'replaced', now)
    else {
      session.reading = reading
      this.stands(session, reply.standing, now)
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
    const here = this.sessionOf(session.peer)
    if (reply.outcome === 'taken' && here === undefined) this.#options.presence.signOut(session, now)
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

const isSame = (some: readonly NetworkId[], others: readonly NetworkId[]): boolean =>
  some === others || (some.length === others.length && some.every((one) => others.includes(one)))
