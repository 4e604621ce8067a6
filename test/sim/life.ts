/**
 * The scenario `life`. Peers of several networks, in all kinds of places, do everything they can. Meanwhile routers restart,
 * hosts move, devices and nodes vanish, nodes drain, tables fail, and partitions come and go. Then everything is quiet, and
 * all peers must be reachable, all messages delivered and all tunnels alive.
 */
import type { NetworkId } from '../../shared/ids.ts'
import type { Dice } from './dice.ts'
import type { Peer } from './peer.ts'
import { drawPlace } from './places.ts'
import type { Played } from './scenarios.ts'
import { System } from './system.ts'
import type { Tunnel } from './tunnel.ts'

const TURMOIL_MS = 120_000
const QUIET_MS = 240_000

export function playLife(seed: number, tell?: (line: string) => void): Played {
  const life = new Life(seed, tell)
  life.begin()
  life.endure()
  return life.end()
}

class Life {
  readonly #system: System
  readonly #dice: Dice
  readonly #networks: readonly NetworkId[]
  readonly #peers: readonly Peer[]

  constructor(seed: number, tell: ((line: string) => void) | undefined) {
    this.#system = new System({ seed, nodes: 3, tell })
    this.#dice = this.#system.world.dice.fork('life')
    this.#networks = [this.#system.network(), this.#system.network()]
    this.#peers = Array.from({ length: this.#dice.between(3, 7) }, (_, i) => this.#settle(i))
  }

  begin(): void {
    if (!this.#system.bringOnline(this.#peers, 60_000)) {
      this.#system.model.violated('a peer could not sign in within a minute')
    }
  }

  endure(): void {
    const events = this.#events()
    for (let at = 0; at < TURMOIL_MS; at += this.#dice.exponential(400)) {
      this.#system.world.after(at, () => this.#dice.pick(events)())
    }
    this.#system.world.pass(TURMOIL_MS)
  }

  end(): Played {
    const { world, model } = this.#system
    world.pass(QUIET_MS / 2)
    const ends = this.#tunnels().flatMap(({ ends }) => ends)
    const before = ends.map(({ received }) => received.size)
    for (const end of ends) end.talk(500, 20_000)
    world.pass(QUIET_MS / 2)
    for (const [i, { received }] of ends.entries()) {
      if (received.size < before[i]! + 20) model.violated('a tunnel carries nothing in the end')
    }
    for (const peer of this.#peers) {
      if (!this.#system.isReachable(peer)) model.violated(`${peer.host.name} is not reachable in the end`)
    }
    model.requireAllDelivered()
    return {
      system: this.#system,
      tunnels: this.#tunnels().map(({ ends, ...rest }) => ({ ...rest, end: ends[0] })),
    }
  }

  /** The possible events. An event that is listed more often is more likely. */
  #events(): readonly (() => void)[] {
    const often = <T>(times: number, event: T): T[] => Array<T>(times).fill(event)
    return [
      ...often(40, () => this.#write()),
      ...often(10, () => this.#changeStatus()),
      ...often(4, () => this.#search()),
      ...often(8, () => this.#connect()),
      ...often(2, () => this.#restartRouter()),
      ...often(2, () => this.#move()),
      ...often(2, () => this.#vanish()),
      ...often(1, () => this.#nap()),
      ...often(1, () => this.#killNode()),
      ...often(1, () => this.#drainNode()),
      ...often(1, () => this.#separateNodes()),
      ...often(1, () => this.#failTables()),
    ]
  }

  #settle(i: number): Peer {
    const { name, setting } = drawPlace(this.#dice)
    const networks = i === 0 ? this.#networks : [this.#dice.pick(this.#networks)]
    const site = this.#system.site(`${i} ${name}`, setting)
    const clockOffsetMs = this.#dice.between(-100_000, 100_000)
    return this.#system.peer(`${i} ${name}`, { site, networks, clockOffsetMs })
  }

  /** Draws two peers. Undefined if they share no network. */
  #pair(): readonly [Peer, Peer] | undefined {
    const [a, b] = this.#dice.shuffled(this.#peers) as [Peer, Peer]
    return this.#system.related(a.id, b.id) ? [a, b] : undefined
  }

  #write(): void {
    const pair = this.#pair()
    if (pair?.[0].running) pair[0].send(pair[1])
  }

  #changeStatus(): void {
    const status = this.#dice.pick(['online', 'away', 'busy', 'invisible'] as const)
    this.#dice.pick(this.#peers).setPresence({ status, metadata: { lot: this.#dice.below(3) } })
  }

  #search(): void {
    this.#dice.pick(this.#peers).find('metadata.lot ge 1')
  }

  #connect(): void {
    const pair = this.#pair()
    if (!pair?.[0].online) return
    const attempt = pair[0].connect(pair[1])
    this.#system.world.after(2000, () => attempt.tunnel?.talk(500, 10_000))
    this.#system.world.after(2000, () => {
      for (const tunnel of pair[1].tunnels.values()) tunnel.talk(500, 10_000)
    })
  }

  #restartRouter(): void {
    const { router } = this.#system.siteOf(this.#dice.pick(this.#peers))
    router.rebind(this.#dice.chance(0.5) && router.isPublic ? this.#system.internet.freshIp() : router.ip)
  }

  #move(): void {
    const peer = this.#dice.pick(this.#peers)
    const { name, setting } = drawPlace(this.#dice)
    this.#system.site(`${name} ${this.#system.world.now}`, setting).plug(peer.host)
    peer.networkChanged()
  }

  #vanish(): void {
    const peer = this.#dice.pick(this.#peers)
    if (!peer.running) return
    peer.kill()
    this.#system.world.after(this.#dice.between(100, 30_000), () => peer.start())
  }

  #nap(): void {
    const peer = this.#dice.pick(this.#peers)
    if (!peer.online) return
    peer.leave()
    this.#system.world.after(this.#dice.between(2000, 20_000), () => {
      if (peer.offlineWhy !== 'left') return
      peer.kill()
      peer.start()
    })
  }

  #killNode(): void {
    const node = this.#spareNode()
    if (node === undefined) return
    node.kill()
    this.#system.world.after(this.#dice.between(1000, 60_000), () => node.start())
  }

  #drainNode(): void {
    const node = this.#spareNode()
    if (node === undefined) return
    node.drain()
    this.#system.world.after(15_000, () => {
      if (node.alive) node.leave()
    })
    this.#system.world.after(30_000, () => {
      if (!node.alive) node.start()
    })
  }

  /** Returns a node that serves; undefined unless at least two do. */
  #spareNode() {
    const serving = this.#system.nodes.filter(({ alive, draining }) => alive && !draining)
    return serving.length > 1 ? this.#dice.pick(serving) : undefined
  }

  #separateNodes(): void {
    const [a, b] = this.#dice.shuffled(this.#system.nodes)
    const heal = this.#system.internet.core.separate(a!.host.ips, b!.host.ips)
    this.#system.world.after(this.#dice.between(1000, 20_000), heal)
  }

  #failTables(): void {
    const { cloud, world } = this.#system
    cloud.profile = { ...cloud.profile, failure: 0.2 }
    world.after(5000, () => {
      cloud.profile = { ...cloud.profile, failure: 0 }
    })
  }

  /** Lists the tunnels that both peers still have. */
  #tunnels(): { readonly between: string; readonly ends: readonly [Tunnel, Tunnel] }[] {
    return this.#peers.flatMap((one) =>
      this.#peers.flatMap((other) =>
        [...one.tunnels].flatMap(([id, end]) => {
          const far = other === one ? undefined : other.tunnels.get(id)
          if (!end.initiator || far === undefined) return []
          return [{ between: `${one.host.name} - ${other.host.name}`, ends: [end, far] as const }]
        }),
      ),
    )
  }
}
