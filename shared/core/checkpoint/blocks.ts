/**
 * The block lists of users. A list is read when it is first needed, and remembered with its version. Standings and pushes name
 * the current version; if it is newer, the list is read again. A user that never blocked anybody costs nothing.
 */
import type { PeerId, UserId } from '../../ids.ts'
import type { Asks } from './asks.ts'
import { BlockList } from './block-list.ts'
import type { Locator } from './locator.ts'
import type { PeerSession } from './peer-session.ts'
import type { Roster } from './roster.ts'
import type { Standings } from './standings.ts'

/** True if a peer may reach another. `unknown`: this needed a look-up, and the directory did not answer. */
export type Verdict = 'passes' | 'blocked' | 'unknown'

type Then = (verdict: Verdict, now: number) => void
type ThenList = (list: BlockList | undefined, now: number) => void

/** Maximum number of remembered entries in all lists together: 32 MB. The list read longest ago is forgotten first. */
const MOST_REMEMBERED = 4_000_000

export interface BlocksOptions {
  readonly asks: Asks
  readonly roster: Roster
  readonly locator: Locator
  readonly standings: Standings
}

export class Blocks {
  readonly #options: BlocksOptions
  readonly #lists = new Map<UserId, BlockList>()
  readonly #waiting = new Map<UserId, ThenList[]>()
  #remembered = 0

  constructor(options: BlocksOptions) {
    this.#options = options
  }

  /** Decides whether the user of a peer here blocks another peer. Waits until the standing of the peer here is known. */
  judge(of: PeerSession, from: PeerId, then: Then, now: number): void {
    this.#options.standings.ensureForOthers(of, (at) => this.#judge(of, from, then, at), now)
  }

  /**
   * Like `judge`, for a message in the mailbox of a peer here. A blocked message is discarded, and the list may be older than the
   * message. The verdict `blocked` is therefore confirmed by the tables.
   */
  judgeStored(of: PeerSession, from: PeerId, then: Then, now: number): void {
    const confirm: Then = (verdict, judged) => {
      if (verdict !== 'blocked') then(verdict, judged)
      else
        this.#options.locator.locate(
          of.peer,
          { peer: from },
          (own, at) =>
            then(own === undefined || own === 'failed' ? 'unknown' : own.hidden ? 'blocked' : 'passes', at),
          judged,
        )
    }
    this.#options.standings.ensure(of, (at) => this.#judge(of, from, confirm, at), now)
  }

  /** Finds the block list of a user, at least as new as `version`; undefined if the directory did not answer. */
  listOf(user: UserId, version: number, then: ThenList, now: number): void {
    const known = version === 0 ? NOBODY : this.#lists.get(user)
    if (known === undefined || known.version < version) this.#read(user, then, now)
    else then(known, now)
  }

  #judge(of: PeerSession, from: PeerId, then: Then, now: number): void {
    this.listOf(
      of.user,
      of.blocks,
      (list, at) => {
        if (list === undefined) then('unknown', at)
        else if (list.has(from)) then('blocked', at)
        else if (!list.hasUsers) then('passes', at)
        else this.#judgeUser(of, from, list, then, at)
      },
      now,
    )
  }

  #judgeUser(of: PeerSession, from: PeerId, list: BlockList, then: Then, now: number): void {
    const byUser = (user: UserId | undefined): Verdict =>
      user !== undefined && list.has(user) ? 'blocked' : 'passes'
    const here = this.#options.roster.get(from)
    if (here !== undefined) then(byUser(here.user), now)
    else
      this.#options.locator.locate(
        from,
        of,
        (sender, at) => then(sender === 'failed' ? 'unknown' : byUser(sender?.user), at),
        now,
      )
  }

  #read(user: UserId, then: ThenList, now: number): void {
    const waiting = this.#waiting.get(user)
    if (waiting !== undefined) {
      waiting.push(then)
      return
    }
    this.#waiting.set(user, [then])
    this.#options.asks.ask(
      { kind: 'blocks', user },
      (reply, at) => {
        const list = reply.kind === 'failed' ? undefined : new BlockList(reply.version, reply.blocks)
        if (list !== undefined) this.#remember(user, list)
        const others = this.#waiting.get(user) ?? []
        this.#waiting.delete(user)
        for (const each of others) each(list, at)
      },
      now,
    )
  }

  #remember(user: UserId, list: BlockList): void {
    this.#remembered += list.size - (this.#lists.get(user)?.size ?? 0)
    this.#lists.delete(user)
    this.#lists.set(user, list)
    for (const [oldest, { size }] of this.#lists) {
      if (this.#remembered <= MOST_REMEMBERED) return
      this.#lists.delete(oldest)
      this.#remembered -= size
    }
  }
}

const NOBODY = new BlockList(0, [])
