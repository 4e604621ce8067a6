/**
 * Presence in both directions: the status of peers here is written to the directory, and the streams' pushes are sent to the
 * peers here that they concern.
 *
 * A peer may change its status three times in a burst and then once a second. Faster changes are merged: the last one is always
 * written.
 */
import type { SigningIn } from '../../directory.ts'
import type { NetworkId, NodeId, PeerId, UserId } from '../../ids.ts'
import type { PresenceRecord } from '../../presence.ts'
import type { Push } from '../../push.ts'
import { FRAME } from '../../wire/numbers.ts'
import { type Change, encodeChange, encodePresence, type StatusUpdate } from '../../wire/presence.ts'
import { DelayLine } from '../session/delay-line.ts'
import type { Wall } from '../wall.ts'
import { take } from './allowances.ts'
import type { Asks } from './asks.ts'
import type { Blocks } from './blocks.ts'
import type { News } from './news.ts'
import { keptStatus, type PeerSession } from './peer-session.ts'
import type { Roster } from './roster.ts'
import type { SessionTable } from './session-table.ts'
import type { Standings } from './standings.ts'
import { SubjectPace } from './subject-pace.ts'

/** Delay before a write that was not allowed is tried again. */
const WRITE_MS = 1000

export interface PresenceOptions {
  readonly node: NodeId
  readonly asks: Asks
  readonly table: SessionTable
  readonly roster: Roster
  readonly wall: Wall
  readonly standings: Standings
  readonly blocks: Blocks
  readonly news: News
}

export class Presence {
  readonly #options: PresenceOptions
  readonly #later = new DelayLine<PeerSession>(WRITE_MS)
  readonly #pace = new SubjectPace()

  constructor(options: PresenceOptions) {
    this.#options = options
  }

  /** Handles a new status of a peer. */
  update(of: PeerSession, status: StatusUpdate, now: number): void {
    if (status.version < of.status.version) return
    of.status = keptStatus(status)
    this.#options.table.keepPrekey(of, status.prekey)
    this.changed(of, now)
  }

  /** Writes the status to the directory, now or as soon as another write is allowed. */
  changed(of: PeerSession, now: number): void {
    if (of.toBeWritten) return
    of.toBeWritten = true
    this.#writeIfAllowed(of, now)
  }

  /** Call when a write has completed. A change made meanwhile is written next. */
  told(of: PeerSession, now: number): void {
    if (of.toBeWritten) this.#writeIfAllowed(of, now)
  }

  /** Returns the item that registers a peer in the directory, and marks its status as written. */
  signingIn(of: PeerSession): SigningIn {
    of.toBeWritten = false
    const { peer, user, since, status } = of
    const { node, table } = this.#options
    const prekey = table.prekeyOf(of)?.slice()
    return { peer, user, ...status, ...(prekey && { prekey }), since, lastSeenAt: this.#lastSeenAt(of), node }
  }

  /** Signs the peer out of the directory. Does nothing if the directory was never told of it. */
  signOut(of: PeerSession, now: number): void {
    const { asks, node } = this.#options
    const { peer, announced: since } = of
    if (since === undefined) return
    const lastSeenAt = this.#lastSeenAt(of)
    asks.ask({ kind: 'signOut', peer, node, since, lastSeenAt }, () => {}, now)
  }

  /**
   * Sends a presence push to the peers here that share one of its networks or its user, except the peer itself and those whom
   * its user blocks. Pushes about a peer that changes all the time are sent less often.
   */
  tell(push: Extract<Push, { kind: 'presence' }>, now: number): void {
    if (push.to !== undefined || this.#pace.lets(push, now)) this.#tell(push, now)
  }

  #tell(push: Extract<Push, { kind: 'presence' }>, now: number): void {
    const { record, blocks = 0, to } = push
    const concerned = this.#concernedBy(push)
    if (to !== undefined) this.#show(record, concerned.filter(isOneOf(to)), now)
    else if (blocks === 0) this.#show(record, concerned, now)
    else
      this.#options.blocks.listOf(
        record.user,
        blocks,
        (list, at) => {
          if (list === undefined) for (const each of concerned) this.#options.news.missed(each, at)
          else
            this.#show(
              record,
              concerned.filter(({ peer, user }) => !list.has(peer) && !list.has(user)),
              at,
            )
        },
        now,
      )
  }

  #concernedBy({ record, networks }: Extract<Push, { kind: 'presence' }>): PeerSession[] {
    const { roster, standings } = this.#options
    const concerned = new Set<PeerSession>(roster.ofUser(record.user))
    for (const network of networks) for (const each of roster.inNetwork(network)) concerned.add(each)
    return [...concerned].filter((each) => each.peer !== record.peer && !standings.isBehindGap(each))
  }

  #show(record: PresenceRecord, to: readonly PeerSession[], now: number): void {
    const body = encodePresence(record)
    for (const each of to) this.#options.news.tell(each, FRAME.PRESENCE, body, now)
  }

  /** Sends a change to the members of its networks and to `also`. Each peer is told only the networks that it shares. */
  tellChange(change: Change, also: Iterable<PeerSession>, now: number): void {
    const networks = change.kind === 'membership' ? [change.network] : change.networks
    const concerned = new Set<PeerSession>(also)
    for (const network of networks) {
      for (const each of this.#options.roster.inNetwork(network)) concerned.add(each)
    }
    const bodies = new Map<string, Uint8Array>()
    for (const each of concerned) {
      if (this.#options.standings.isBehindGap(each)) continue
      const shared = networks.filter((network) => each.networks.includes(network))
      const body = bodies.get(shared.join()) ?? encodeChange(within(change, shared))
      bodies.set(shared.join(), body)
      this.#options.news.tell(each, FRAME.CHANGE, body, now)
    }
  }

  tick(now: number): void {
    for (let of = this.#later.take(now); of !== undefined; of = this.#later.take(now)) {
      if (of.toBeWritten) this.#writeIfAllowed(of, now)
    }
    for (let push = this.#pace.take(now); push !== undefined; push = this.#pace.take(now))
      this.#tell(push, now)
  }

  deadline(): number {
    return Math.min(this.#later.deadline(), this.#pace.deadline())
  }

  #writeIfAllowed(of: PeerSession, now: number): void {
    if (of.stage !== 'online' || of.writing) return
    if (take(of, 'writes', 1, now)) this.#write(of, now)
    else this.#later.put(of, now)
  }

  /** Starts a write. There is one at a time, so changes made while the tables do not answer are merged into one more write. */
  #write(of: PeerSession, now: number): void {
    const { networks, blocks } = of
    of.writing = true
    const written = (_: unknown, at: number): void => {
      of.writing = false
      this.told(of, at)
    }
    this.#options.asks.ask(
      { kind: 'update', item: { ...this.signingIn(of), networks, blocks } },
      written,
      now,
    )
  }

  #lastSeenAt(of: PeerSession): number {
    const { table, wall } = this.#options
    return wall.at(table.heardAt(of))
  }
}

const within = (change: Change, networks: readonly NetworkId[]): Change =>
  change.kind === 'membership' ? change : { ...change, networks }

const isOneOf =
  (whom: PeerId | UserId) =>
  ({ peer, user }: PeerSession): boolean =>
    peer === whom || user === whom
