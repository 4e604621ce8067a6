import type { Located } from '../../directory.ts'
import type { NetworkId, NodeId, PeerId, UserId } from '../../ids.ts'
import type { Paths } from '../../paths.ts'
import type { AnswerOutcome } from '../../wire/offers.ts'
import type { Blocks } from './blocks.ts'
import type { Locator } from './locator.ts'
import type { Networks } from './networks.ts'
import { areRelated, type PeerSession } from './peer-session.ts'
import type { Roster } from './roster.ts'
import type { Standings } from './standings.ts'

/** Where an offer goes, and what the tunnel may use. */
export interface Destination {
  readonly node: NodeId
  readonly paths: Paths
  /** One that the two share, always the same: it is charged for what the tunnel takes of a relay. */
  readonly network: NetworkId | undefined
}

/** Where an offer goes, or why it goes nowhere. */
export type Way = Destination | { readonly refused: AnswerOutcome }

export interface ReachOptions {
  readonly node: NodeId
  readonly roster: Roster
  readonly locator: Locator
  readonly networks: Networks
  readonly standings: Standings
  readonly blocks: Blocks
}

/**
 * Who may come to whom with an offer. A peer that is invisible, or whose user blocks the one that offers, is as one that is
 * signed in nowhere. Where the directory does not answer, nothing is said: the offer comes again.
 */
export class Reach {
  readonly #options: ReachOptions

  constructor(options: ReachOptions) {
    this.#options = options
  }

  /** The way from a peer here to another, who must be related to it. */
  find(from: PeerSession, peer: PeerId, then: (way: Way, now: number) => void, now: number): void {
    const { node, roster, standings, blocks } = this.#options
    const here = roster.get(peer)
    if (here === undefined) {
      this.#look(from, peer, then, now)
      return
    }
    standings.ensureForOthers(
      here,
      (known) => {
        if (!areRelated(from, here) || isHidden(here, from.user)) this.#look(from, peer, then, known)
        else
          blocks.judge(
            here,
            from.peer,
            (verdict, at) => {
              if (verdict === 'passes') this.#lead(node, from, here, then, at)
              else if (verdict === 'blocked') this.#look(from, peer, then, at)
            },
            known,
          )
      },
      now,
    )
  }

  /** Whether a peer here may be asked by another. If not, it is as if it were not here. */
  admit(to: PeerSession, from: PeerId, then: (admits: boolean, now: number) => void, now: number): void {
    this.#options.blocks.judge(
      to,
      from,
      (verdict, judged) => {
        if (verdict === 'blocked') then(false, judged)
        else if (verdict === 'passes' && to.status.status !== 'invisible') then(true, judged)
        else if (verdict === 'passes') this.#isOwn(to, from, then, judged)
      },
      now,
    )
  }

  /** An invisible peer is there for the other peers of its own user. */
  #isOwn(to: PeerSession, from: PeerId, then: (admits: boolean, now: number) => void, now: number): void {
    const { roster, locator } = this.#options
    const here = roster.get(from)
    if (here !== undefined) then(here.user === to.user, now)
    else
      locator.locate(
        from,
        to,
        (where, at) => {
          if (where !== undefined && where !== 'failed') then(where.user === to.user, at)
        },
        now,
      )
  }

  #look(from: PeerSession, peer: PeerId, then: (way: Way, now: number) => void, now: number): void {
    this.#options.locator.locate(
      peer,
      from,
      (where, at) => {
        if (where === 'failed') return
        if (where === undefined || !areRelated(from, where)) then({ refused: 'unknownPeer' }, at)
        else if (where.node === undefined || where.node === this.#options.node || isAway(where, from))
          then({ refused: 'offline' }, at)
        else this.#lead(where.node, from, where, then, at)
      },
      now,
    )
  }

  /** By the networks that the two share. One that `from` has just come into may not be known here yet. */
  #lead(
    node: NodeId,
    from: PeerSession,
    to: { readonly networks: readonly NetworkId[] },
    then: (way: Way, now: number) => void,
    now: number,
  ): void {
    const shared = from.networks.filter((network) => to.networks.includes(network)).sort()
    const known = (paths: Paths, at: number) => then({ node, paths, network: shared[0] }, at)
    this.#options.networks.pathsWithin(shared, known, now)
  }
}

const isHidden = (here: PeerSession, asker: UserId): boolean =>
  here.status.status === 'invisible' && here.user !== asker

/** As it seems to the asker. */
const isAway = ({ hidden, status, user }: Located, asker: PeerSession): boolean =>
  hidden || (status === 'invisible' && user !== asker.user)
