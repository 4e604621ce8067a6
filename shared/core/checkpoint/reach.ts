import type { NetworkId, NodeId, PeerId } from '../../ids.ts'
import type { Paths } from '../../paths.ts'
import type { AnswerOutcome } from '../../wire/offers.ts'
import type { Locator } from './locator.ts'
import type { Networks } from './networks.ts'
import { areRelated, type PeerSession } from './peer-session.ts'
import type { Roster } from './roster.ts'

/** Where an offer goes, and what the tunnel may use. */
export interface Destination {
  readonly node: NodeId
  readonly paths: Paths
  /** One that the two share, always the same: it is charged for what the tunnel takes of a relay. */
  readonly network: NetworkId | undefined
}

/** Where an offer goes, or why it goes nowhere. */
export type Way = Destination | { readonly refused: AnswerOutcome }

/** Who may come to whom with an offer. Where the directory does not answer, nothing is said: the offer comes again. */
export class Reach {
  readonly #node: NodeId
  readonly #roster: Roster
  readonly #locator: Locator
  readonly #networks: Networks

  constructor(node: NodeId, roster: Roster, locator: Locator, networks: Networks) {
    this.#node = node
    this.#roster = roster
    this.#locator = locator
    this.#networks = networks
  }

  /** The way from a peer here to another, who must be related to it. */
  find(from: PeerSession, peer: PeerId, then: (way: Way, now: number) => void, now: number): void {
    const here = this.#roster.get(peer)
    if (here !== undefined && areRelated(from, here)) {
      then({ node: this.#node, ...this.#between(from, here) }, now)
      return
    }
    this.#locator.locate(
      peer,
      (where, at) => {
        if (where === 'failed') return
        if (where === undefined || !areRelated(from, where)) then({ refused: 'unknownPeer' }, at)
        else if (where.node === undefined) then({ refused: 'offline' }, at)
        else then({ node: where.node, ...this.#between(from, where) }, at)
      },
      now,
    )
  }

  /** Whether a peer here may be asked by another, and otherwise what the other is told. */
  admit(
    to: PeerSession,
    from: PeerId,
    then: (refused: AnswerOutcome | undefined, now: number) => void,
    now: number,
  ): void {
    const isHidden = to.status.status === 'invisible'
    if (to.blocks.includes(from)) then('blocked', now)
    else if (!isHidden && !to.blocks.some((one) => one.startsWith('u_'))) then(undefined, now)
    else
      this.#locator.locate(
        from,
        (where, at) => {
          if (where === undefined || where === 'failed') return
          if (to.blocks.includes(where.user)) then('blocked', at)
          else then(isHidden && where.user !== to.user ? 'offline' : undefined, at)
        },
        now,
      )
  }

  /** By the networks that the two share: all of them are known here, as `from` is. */
  #between(
    from: PeerSession,
    to: { readonly networks: readonly NetworkId[] },
  ): Pick<Destination, 'paths' | 'network'> {
    const shared = from.networks.filter((network) => to.networks.includes(network)).sort()
    return { paths: this.#networks.pathsWithin(shared), network: shared[0] }
  }
}
