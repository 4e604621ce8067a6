import type { NetworkId, PeerId } from '../../ids.ts'
import type { Push } from '../../push.ts'
import type { CheckpointCounters } from './counters.ts'
import type { Credentials } from './credentials.ts'
import type { FleetView } from './fleet-view.ts'
import type { Locator } from './locator.ts'
import type { Mailboxes } from './mailboxes.ts'
import type { Networks } from './networks.ts'
import type { Presence } from './presence.ts'
import type { Residence } from './residence.ts'
import type { Roster } from './roster.ts'

export interface PushesOptions {
  readonly roster: Roster
  readonly networks: Networks
  readonly presence: Presence
  readonly residence: Residence
  readonly mailboxes: Mailboxes
  readonly locator: Locator
  readonly credentials: Credentials
  readonly fleet: FleetView
  readonly counters: CheckpointCounters
}

/** What the streams push (shared/push.ts), and what follows from it for the peers here. */
export class Pushes {
  readonly #options: PushesOptions

  constructor(options: PushesOptions) {
    this.#options = options
  }

  take(push: Push, now: number): void {
    const { presence, locator, fleet, counters } = this.#options
    counters.pushes++
    switch (push.kind) {
      case 'presence':
        locator.forget(push.record.peer)
        presence.tell(push)
        break
      case 'membership':
        this.#membership(push, now)
        break
      case 'metadata':
        presence.tellChange(push, [])
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

  /** Pushes may have been lost: all mailboxes may hold something. */
  missed(now: number): void {
    this.#options.mailboxes.arrivedAnywhere(now)
  }

  /** Who leaves is told too: as long as it is a member, or because it has become one. */
  #membership(push: Extract<Push, { kind: 'membership' }>, now: number): void {
    const { roster, presence, residence, locator } = this.#options
    const { user, network, role } = push
    const devices = [...roster.ofUser(user)]
    if (role === null) locator.left(user, network, now)
    else locator.joined(user, network)
    presence.tellChange(push, devices)
    for (const each of devices) {
      each.toldAt = now
      residence.setNetworks(each, changed(each.networks, network, role !== null), now)
    }
  }

  #mail(peer: PeerId, now: number): void {
    const here = this.#options.roster.get(peer)
    if (here !== undefined) this.#options.mailboxes.arrived(here, now)
  }

  #blocks({ user, blocks }: Extract<Push, { kind: 'blocks' }>, now: number): void {
    for (const each of this.#options.roster.ofUser(user)) {
      each.toldAt = now
      each.blocks = blocks
    }
  }

  #revoked(peer: PeerId, now: number): void {
    const here = this.#options.roster.get(peer)
    this.#options.credentials.revoke(peer, now)
    this.#options.locator.forget(peer)
    if (here !== undefined) this.#options.residence.end(here, 'revoked', now)
  }
}

function changed(
  networks: readonly NetworkId[],
  network: NetworkId,
  isMember: boolean,
): readonly NetworkId[] {
  const others = networks.filter((each) => each !== network)
  if (!isMember) return others
  return networks.includes(network) ? networks : [...networks, network]
}
