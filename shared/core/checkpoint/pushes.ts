import type { NetworkId, PeerId } from '../../ids.ts'
import type { Push } from '../../push.ts'
import type { CheckpointCounters } from './counters.ts'
import type { FleetView } from './fleet-view.ts'
import type { Locator } from './locator.ts'
import type { Mailboxes } from './mailboxes.ts'
import type { Networks } from './networks.ts'
import type { News } from './news.ts'
import type { Presence } from './presence.ts'
import type { Residence } from './residence.ts'
import type { Roster } from './roster.ts'
import type { Standings } from './standings.ts'

export interface PushesOptions {
  readonly roster: Roster
  readonly networks: Networks
  readonly presence: Presence
  readonly news: News
  readonly residence: Residence
  readonly mailboxes: Mailboxes
  readonly locator: Locator
  readonly standings: Standings
  readonly fleet: FleetView
  readonly counters: CheckpointCounters
}

/** What the streams push (shared/push.ts), and what follows from it for the peers here. */
export class Pushes {
  readonly #options: PushesOptions
  /** The connection to the gateway is away. */
  #isCutOff = true
  /** How often the tables took this node for dead, and how many of them it has made good. */
  #unlisted = 0
  #listed = 0

  constructor(options: PushesOptions) {
    this.#options = options
  }

  take(push: Push, now: number): void {
    const { presence, locator, fleet, counters } = this.#options
    counters.pushes++
    switch (push.kind) {
      case 'presence':
        locator.forget(push.record.peer)
        presence.tell(push, now)
        break
      case 'membership':
        this.#membership(push, now)
        break
      case 'metadata':
        presence.tellChange(push, [], now)
        break
      case 'paths':
        this.#options.networks.setPaths(push.network, push.paths)
        break
      case 'mail':
        this.#mail(push.peer, now)
        break
      case 'blocks':
        this.#blocks(push, now)
        break
      case 'revoked':
        this.#revoked(push.peer, now)
        break
      case 'fleet':
        fleet.set(push.item)
    }
  }

  /** The streams do not reach this node from now on. */
  lost(): void {
    this.#isCutOff = true
    this.#options.standings.lost()
  }

  /** The streams reach this node again: whatever they tell may have been missed. */
  back(now: number): void {
    this.#isCutOff = false
    if (this.#listed === this.#unlisted) this.#readAgain(now)
  }

  /** The tables took this node for dead: the streams have nothing for it until it has joined its networks again. */
  unlisted(now: number): void {
    const round = ++this.#unlisted
    this.#options.standings.lost()
    this.#options.networks.joinAgain((at) => {
      this.#listed = round
      if (!this.#isCutOff && round === this.#unlisted) this.#readAgain(at)
    }, now)
  }

  /** All that the streams would have told. */
  #readAgain(now: number): void {
    const { standings, networks, mailboxes, locator, news } = this.#options
    standings.back(now)
    locator.forgetAll()
    networks.readAgain(now)
    mailboxes.arrivedAnywhere(now)
    news.allMissed(now)
  }

  /**
   * A push is a hint: the standing of the user's peers is read again. What takes something away from them holds at once.
   * Who leaves a network is told too: as long as it is a member, or because it has become one.
   */
  #membership(push: Extract<Push, { kind: 'membership' }>, now: number): void {
    const { roster, presence, residence, locator } = this.#options
    const { user, network, role } = push
    locator.changed(user, now)
    presence.tellChange(push, roster.ofUser(user), now)
    for (const each of [...residence.sessionsOf(user)]) {
      if (role === null) residence.setNetworks(each, without(each.networks, network), now)
      this.#options.standings.doubt(each)
    }
  }

  #mail(peer: PeerId, now: number): void {
    const here = this.#options.roster.get(peer)
    if (here !== undefined) this.#options.mailboxes.arrived(here, now)
  }

  #blocks({ user, version }: Extract<Push, { kind: 'blocks' }>, now: number): void {
    const { residence } = this.#options
    for (const each of [...residence.sessionsOf(user)])
      if (each.blocks < version) residence.setBlocks(each, version, now)
  }

  #revoked(peer: PeerId, now: number): void {
    const here = this.#options.residence.sessionOf(peer)
    this.#options.locator.forget(peer)
    if (here !== undefined) this.#options.residence.end(here, 'revoked', now)
  }
}

function without(networks: readonly NetworkId[], network: NetworkId): readonly NetworkId[] {
  return networks.includes(network) ? networks.filter((each) => each !== network) : networks
}
