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

/** The node to which an offer goes, and the paths that the tunnel may use. */
export interface Destination {
  readonly node: NodeId
  readonly paths: Paths
  /** A network that both peers share, always the same one. It is charged for the tunnel's traffic at a relay. */
  readonly network: NetworkId | undefined
}

/** The destination of an offer, or the reason why it is refused. */
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
 * Decides which peers may reach each other. A peer that is invisible, or whose user blocks the asker, is treated as signed in
 * nowhere. If the directory does not answer, `then` is not called: the asker retransmits.
 */
export class Reach {
  readonly #options: ReachOptions

  constructor(options: ReachOptions) {
    this.#options = options
  }

  /** Finds the way from a peer here to another peer, which must be related to it. */
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

  /** Decides whether another peer may reach a peer here. If not, the peer here is treated as absent. */
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

  /** Admits only peers of the same user to an invisible peer. */
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

  /** Finds the path policy of the networks that both share. A network that `from` has just joined may not be known here yet. */
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

/** True if a peer appears offline to the asker. */
const isAway = ({ hidden, status, user }: Located, asker: PeerSession): boolean =>
  hidden || (status === 'invisible' && user !== asker.user)
