/**
 * A whole system in one world: the tables and their streams, INDEX, a fleet of nodes, networks of users, and peers in any
 * place. Scenarios are written against this class.
 */

import type { PeerNode, PlacedStun } from '../../shared/core/peer/events.ts'
import { MessageSeals } from '../../shared/core/peer/message-seals.ts'
import { Random } from '../../shared/crypto/random.ts'
import type { FleetItem } from '../../shared/directory.ts'
import { fromBase32, type NetworkId, type PeerId, toBase32, type UserId } from '../../shared/ids.ts'
import { parseAddress } from '../../shared/wire/address.ts'
import { CLOUD, Cloud, type CloudProfile } from './cloud.ts'
import type { Host } from './host.ts'
import { Internet, type Site, type SiteSetting } from './internet.ts'
import { Issuer } from './issuer.ts'
import { Model } from './model.ts'
import { Node, type Region } from './node.ts'
import { Peer } from './peer.ts'
import { World } from './world.ts'

export interface SystemSetting {
  readonly seed: number
  /** Number of nodes. Each has every role. */
  readonly nodes?: number
  /** Regions of the nodes, in order. Without it all nodes are in one place. */
  readonly regions?: readonly Region[]
  readonly cloud?: Partial<CloudProfile>
  /** True if nodes are reachable over IPv6 as well. */
  readonly ipv6?: boolean
  /** Sessions of a node at which it is full. */
  readonly capacity?: number
  /** Receives a line for everything that happens. */
  readonly tell?: ((line: string) => void) | undefined
}

export interface PeerSetting {
  /** Its site. Default: a site of its own, without NAT. */
  readonly site?: Site
  /** Its host, if it is in no site. */
  readonly host?: Host
  readonly networks?: readonly NetworkId[]
  /** An existing user. Default: a new one. */
  readonly user?: UserId
  readonly clockOffsetMs?: number
}

export class System {
  readonly world: World
  readonly internet: Internet
  readonly cloud: Cloud
  readonly issuer: Issuer
  readonly model: Model
  readonly nodes: readonly Node[]
  readonly peers: Peer[] = []
  readonly ipv6: boolean
  readonly capacity: number
  /** The key of the fleet, 32 bytes. */
  readonly fleetKey: Uint8Array
  readonly #sites = new Map<Peer, Site>()
  #networks = 0

  constructor({
    seed,
    regions = [],
    nodes = regions.length || 2,
    cloud,
    ipv6 = false,
    capacity = 1000,
    tell,
  }: SystemSetting) {
    this.ipv6 = ipv6
    this.capacity = capacity
    this.world = new World(seed)
    this.world.trace.tell = tell
    this.internet = new Internet(this.world)
    this.cloud = new Cloud(this.world, { ...CLOUD, ...cloud })
    this.issuer = new Issuer(this.cloud.tables, this.world.dice)
    this.model = new Model(
      (a, b) => this.related(a, b),
      () => this.world.now,
    )
    this.fleetKey = this.world.dice.fork('fleet').bytes(32)
    this.nodes = Array.from({ length: nodes }, (_, i) => new Node(this, `node${i + 1}`, regions[i]))
    for (const node of this.nodes) node.start()
  }

  network(): NetworkId {
    return `n_${this.#id(`network ${++this.#networks}`)}` as NetworkId
  }

  site(name: string, setting: SiteSetting = {}): Site {
    return this.internet.site(name, setting)
  }

  /** Creates a peer that is enrolled and a member of the networks, but not started. */
  peer(name: string, { site, host, networks = [], user, clockOffsetMs = 0 }: PeerSetting = {}): Peer {
    const place = host === undefined ? (site ?? this.site(`${name}'s`)) : undefined
    const owner = user ?? (`u_${this.#id(`user ${name}`)}` as UserId)
    const peer = new Peer(this, host ?? place!.host(name, clockOffsetMs), owner, name)
    this.cloud.write((tables) => {
      tables.enrol(peer.id, owner)
      for (const network of networks) tables.setRole(network, owner, 'member')
    })
    this.peers.push(peer)
    if (place !== undefined) this.#sites.set(peer, place)
    return peer
  }

  /** Returns the site in which the peer was created. */
  siteOf(peer: Peer): Site {
    return this.#sites.get(peer)!
  }

  /** Creates another device with the same key, which an application should never do. */
  twinOf(peer: Peer): Peer {
    const host = this.site('twin').host('twin')
    return new Peer(this, host, peer.user, 'twin', peer.identity)
  }

  /** Starts the peers and lets time pass until others can reach them. False if that does not happen within `withinMs`. */
  bringOnline(peers: readonly Peer[], withinMs = 5000): boolean {
    for (const peer of peers) peer.start()
    return this.world.until(() => peers.every((peer) => this.isReachable(peer)), withinMs)
  }

  /** True if the peer is online and the tables show its node. */
  isReachable({ id, online, node }: Peer): boolean {
    return online && this.cloud.tables.presence.get(id)?.node === node
  }

  related(a: PeerId, b: PeerId): boolean {
    const { peers } = this.cloud.tables
    const [userA, userB] = [peers.get(a), peers.get(b)]
    if (userA === undefined || userB === undefined) return false
    const networks = this.cloud.tables.networksOf(userB)
    return (
      userA === userB || this.cloud.tables.networksOf(userA).some((network) => networks.includes(network))
    )
  }

  /** Returns the valid leases in the tables. */
  leases(): FleetItem[] {
    const items = [...this.cloud.tables.fleet.values()]
    return items.filter(({ expiresAtSeconds }) => expiresAtSeconds * 1000 > this.world.now)
  }

  /** Returns the nodes where a peer can sign in, as INDEX lists them. */
  checkpoints(): PeerNode[] {
    const open = this.leases().filter(({ draining }) => !draining)
    return open.map(({ node, publicKey, addresses, region }) => ({
      node,
      ...(region !== undefined && { region }),
      publicKey: fromBase32(publicKey)!,
      addresses: (addresses.checkpoint ?? []).map((text) => parseAddress(text)!),
    }))
  }

  /** Returns the STUN servers as INDEX lists them. */
  stunServers(): PlacedStun[] {
    return this.leases().flatMap(({ addresses: { stun = [] }, region }) => {
      const [primary, alternate] = stun.map((text) => parseAddress(text)!)
      if (primary === undefined || alternate === undefined) return []
      return [{ primary, alternate, ...(region !== undefined && { region }) }]
    })
  }

  /** Checks the whole run and returns the violations. */
  conclude(): readonly string[] {
    const waiting = new Set(this.peers.flatMap((peer) => this.mailOf(peer)))
    const alive = new Set(this.peers.filter(({ online }) => online).map(({ id }) => id))
    this.model.conclude(waiting, alive)
    return this.model.violations
  }

  /** Returns the texts in the mailbox of a peer. Only that peer's key can open them. */
  mailOf({ id, identity, prekeys }: Peer): string[] {
    const seals = new MessageSeals(identity, new Random(new Uint8Array(32)), prekeys)
    const messages = this.cloud.tables.mailOf(id)
    return messages.map((message) => {
      const { body } = seals.open({ ...message, peer: message.from })
      if (body === undefined) throw new Error(`a message of ${message.from} cannot be read by ${id}`)
      return new TextDecoder().decode(body)
    })
  }

  #id(label: string): string {
    return toBase32(this.world.dice.fork(label).bytes(10))
  }
}
