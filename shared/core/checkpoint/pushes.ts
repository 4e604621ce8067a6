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

/** Handles the pushes of the streams (shared/push.ts) and applies them to the peers here. */
export class Pushes {
  readonly #options: PushesOptions
  /** True if the connection to the gateway is down. */
  #isCutOff = true
  /** How often the node's lease had expired, and the last of these times after which it has joined its networks again. */
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

  /** Call when the streams no longer reach this node. */
  lost(): void {
    this.#isCutOff = true
    this.#options.standings.lost()
    this.#options.locator.lost()
  }

  /** Call when the streams reach this node again. Any push may have been missed. */
  back(now: number): void {
    this.#isCutOff = false
    if (this.#listed === this.#unlisted) this.#readAgain(now)
  }

  /** Call when the node's lease had expired. The streams have no pushes for it until it has joined its networks again. */
  unlisted(now: number): void {
    const round = ++this.#unlisted
    this.#options.standings.lost()
    this.#options.locator.lost()
    this.#options.networks.joinAgain((at) => {
      this.#listed = round
      if (!this.#isCutOff && round === this.#unlisted) this.#readAgain(at)
    }, now)
  }

  /** Reads again everything that the streams would have told. */
  #readAgain(now: number): void {
    const { standings, networks, mailboxes, locator, news } = this.#options
    standings.back(now)
    locator.back()
    networks.readAgain(now)
    mailboxes.arrivedAnywhere(now)
    news.allMissed(now)
  }

  /**
   * A membership push is a hint: the standings of the user's peers are read again. The loss of a membership takes effect
   * immediately. The user's own peers are always told of the change, whether they leave the network or have just joined it.
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
