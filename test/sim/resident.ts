/**
 * One peer of a long run: what it does in a day, drawn by its own dice. It is on the open internet over a line of its own, which
 * loses datagrams. It leaves and returns, moves to another address, dies, writes to its friends, changes its status and searches.
 */
import type { NetworkId } from '../../shared/ids.ts'
import { asSeenByOthers, type PresenceRecord } from '../../shared/presence.ts'
import type { Dice } from './dice.ts'
import { Host } from './host.ts'
import { type LinkProfile, WIRE } from './link.ts'
import type { Peer } from './peer.ts'
import type { System } from './system.ts'

const MINUTE = 60_000
/** Mean times between what a peer does, and how long it is away. */
const EVERY = {
  write: 20 * MINUTE,
  status: 60 * MINUTE,
  search: 240 * MINUTE,
  move: 180 * MINUTE,
  leave: 120 * MINUTE,
  die: 480 * MINUTE,
} as const
const AWAY_MS = 15 * MINUTE
const STATUSES = ['online', 'away', 'busy'] as const
/** Routers between its line and the middle of the internet. */
const HOPS = 3
/** Duration of a call to INDEX. */
const INDEX_MS = 80

type Deed = keyof typeof EVERY
export type Deeds = Record<Deed, number>

export interface ResidentSetting {
  readonly system: System
  readonly name: string
  readonly network: NetworkId
  /** Share of datagrams that its line loses, each way. */
  readonly loss: number
  /** Returns an address that nobody has. */
  readonly freshIp: () => string
  /** Counts of everything that residents have done so far. */
  readonly deeds: Deeds
}

export class Resident {
  readonly peer: Peer
  /** The members of its network. */
  friends: readonly Resident[] = []
  /** True if it wants to be there. */
  isHere = false
  status: (typeof STATUSES)[number] = 'online'
  readonly #setting: ResidentSetting
  readonly #dice: Dice
  readonly #host: Host
  readonly #link: LinkProfile
  /** While nothing happens, deeds wait. */
  #isQuiet = false

  constructor(setting: ResidentSetting) {
    const { system, name, network, loss } = setting
    this.#setting = setting
    this.#dice = system.world.dice.fork(`resident/${name}`)
    this.#link = { ...WIRE, latencyMs: this.#dice.between(4, 80), jitterMs: 2, loss }
    this.#host = new Host(system.world, name)
    this.#plug()
    this.peer = system.peer(name, { host: this.#host, networks: [network] })
    this.peer.cameOnline = () => system.world.after(INDEX_MS, () => this.#readRoster())
  }

  begin(): void {
    this.#come()
    for (const deed of Object.keys(EVERY) as Deed[]) this.#plan(deed)
  }

  /** Makes it do nothing more, and stay online. */
  quiet(): void {
    this.#isQuiet = true
    if (!this.isHere) this.#come()
  }

  goOn(): void {
    this.#isQuiet = false
  }

  /** Its view of another member. */
  sees(other: Resident): string {
    return this.peer.seen.get(other.peer.id)?.status ?? 'unknown'
  }

  /** Reads its network from INDEX, as the SDK does after each sign-in. Pushes may have told it something newer. */
  #readRoster(): void {
    const { seen } = this.peer
    for (const other of this.friends) {
      const item = this.#setting.system.cloud.tables.presence.get(other.peer.id)
      const known = seen.get(other.peer.id)
      if (item !== undefined && !(known && isNewer(known, item)))
        seen.set(other.peer.id, asSeenByOthers(item))
    }
  }

  #plan(deed: Deed): void {
    this.#setting.system.world.after(this.#dice.exponential(EVERY[deed]), () => {
      if (!this.#isQuiet && this.isHere) {
        this.#setting.deeds[deed]++
        this.#do(deed)
      }
      this.#plan(deed)
    })
  }

  #do(deed: Deed): void {
    const { peer } = this
    switch (deed) {
      case 'write':
        if (this.friends.length > 0) peer.send(this.#dice.pick(this.friends).peer)
        break
      case 'status':
        this.status = this.#dice.pick(STATUSES)
        peer.setPresence({ status: this.status, metadata: { lot: this.#dice.below(3) } })
        break
      case 'search':
        peer.find('metadata.lot ge 1', 20)
        break
      case 'move':
        this.#plug()
        peer.networkChanged()
        break
      case 'leave':
        peer.leave()
        this.#stayAway()
        break
      case 'die':
        peer.kill()
        this.#stayAway()
    }
  }

  #stayAway(): void {
    this.isHere = false
    const { world } = this.#setting.system
    world.after(this.#dice.between(1_000, 2 * AWAY_MS), () => {
      if (!this.isHere) this.#come()
    })
  }

  #come(): void {
    this.isHere = true
    if (this.peer.offlineWhy === 'left') this.peer.kill()
    this.peer.start()
  }

  #plug(): void {
    const { system, freshIp } = this.#setting
    this.#host.plug({ segment: system.internet.core, ips: [freshIp()], link: this.#link, hops: HOPS })
  }
}

type Age = Pick<PresenceRecord, 'since' | 'version'>
const isNewer = (one: Age, other: Age): boolean =>
  one.since > other.since || (one.since === other.since && one.version > other.version)
