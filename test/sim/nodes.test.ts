import { describe, expect, it } from 'vitest'
import { NAT_KINDS } from './nat-kinds.ts'
import type { Node } from './node.ts'
import type { Peer } from './peer.ts'
import { System } from './system.ts'

/** Time until an idle peer is back (shared/core/peer/pace.ts): one interval, three keepalives a second apart, and a sign-in. */
const BACK_MS = 25_000 + 3000 + 1000
/** Time until a peer that has something to send is back. It notices sooner. */
const BACK_TALKING_MS = 6000

/** Peers of one network, online at three nodes. */
function crowd(size: number, seed = 1): { system: System; peers: Peer[] } {
  const system = new System({ seed, nodes: 3 })
  const network = system.network()
  const peers = Array.from({ length: size }, (_, i) =>
    system.peer(`peer ${i}`, {
      networks: [network],
      site: system.site(`site ${i}`, { nat: NAT_KINDS.linux }),
    }),
  )
  expect(system.bringOnline(peers, 10_000)).toBe(true)
  system.world.pass(3000)
  return { system, peers }
}

const nodeOf = (system: System, peer: Peer): Node => system.nodes.find(({ id }) => id === peer.node)!

const isBack = (system: System, peer: Peer, dead: Node) => system.isReachable(peer) && peer.node !== dead.id

describe('when a node dies', () => {
  it('each of its peers is back at another one within the documented time', () => {
    for (let seed = 0; seed < 5; seed++) {
      const { system, peers } = crowd(12, seed)
      const dead = nodeOf(system, peers[0]!)
      const affected = peers.filter(({ node }) => node === dead.id)
      dead.kill()
      expect(system.world.until(() => affected.every((peer) => isBack(system, peer, dead)), BACK_MS)).toBe(
        true,
      )
    }
  })

  it('a peer that has something to say is back within seconds', () => {
    const { system, peers } = crowd(6)
    const [ann] = peers as [Peer]
    const dead = nodeOf(system, ann)
    const bob = peers.find(({ node }) => node !== dead.id)!
    dead.kill()
    const text = ann.send(bob)
    expect(system.world.until(() => ann.outcomeOf(text) === 'delivered', BACK_TALKING_MS)).toBe(true)
  })

  it('and all others at once, the last one takes all of their peers', () => {
    const { system, peers } = crowd(12)
    const [first, second, last] = system.nodes as [Node, Node, Node]
    first.kill()
    second.kill()
    expect(
      system.world.until(() => peers.every(({ node, online }) => online && node === last.id), 2 * BACK_MS),
    ).toBe(true)
  })

  it('peers that died with it are offline for others once its lease has ended', () => {
    const { system, peers } = crowd(8)
    const [ann] = peers as [Peer]
    const dead = nodeOf(system, ann)
    const observer = peers.find(({ node }) => node !== dead.id)!
    ann.kill()
    dead.kill()
    expect(system.world.until(() => observer.seen.get(ann.id)?.status === 'offline', 45_000)).toBe(true)
    expect(system.cloud.tables.fleet.has(dead.id)).toBe(false)
  })

  it('and all nodes with it, everything is back after they have started again', () => {
    const { system, peers } = crowd(8)
    for (const node of system.nodes) node.kill()
    system.world.pass(90_000)
    for (const node of system.nodes) node.start()
    expect(system.world.until(() => peers.every((peer) => system.isReachable(peer)), 60_000)).toBe(true)
    const [ann, bob] = peers as [Peer, Peer]
    const text = ann.send(bob)
    expect(system.world.until(() => ann.outcomeOf(text) === 'delivered', 3000)).toBe(true)
  })
})

describe('a node that starts again', () => {
  it('knows nobody, and its peers come back within an interval', () => {
    const { system, peers } = crowd(9)
    const node = nodeOf(system, peers[0]!)
    node.kill()
    node.start()
    expect(system.world.until(() => peers.every((peer) => system.isReachable(peer)), BACK_MS)).toBe(true)
    system.world.pass(BACK_MS)
    const text = peers[1]!.send(peers[0]!)
    expect(system.world.until(() => peers[1]!.outcomeOf(text) === 'delivered', 1000)).toBe(true)
  })
})

describe('a node that drains', () => {
  it('takes nobody, and its peers are elsewhere within seconds, with every message', () => {
    for (let seed = 0; seed < 5; seed++) {
      const { system, peers } = crowd(9, seed)
      const leaving = nodeOf(system, peers[0]!)
      for (let i = 0; i < 100; i++) {
        system.world.after(i * 100, () => peers[i % 9]!.send(peers[(i + 1) % 9]!))
      }
      system.world.after(3000, () => leaving.drain())
      system.world.after(4000, () => {
        expect(peers.every((peer) => isBack(system, peer, leaving))).toBe(true)
        leaving.leave()
      })
      system.world.pass(60_000)
      expect(system.model.messages, `seed ${seed}`).toEqual({
        sent: 100,
        acknowledged: 100,
        delivered: 100,
        unanswered: 0,
      })
      expect(system.conclude()).toEqual([])
    }
  })

  it('moves its relayed tunnels to another relay before it goes', () => {
    for (let seed = 0; seed < 5; seed++) {
      const { system, peers } = crowd(2, seed)
      const hard = { nat: NAT_KINDS['symmetric-random'] }
      for (const [i, peer] of peers.entries()) {
        system.site(`hard ${i}`, hard).plug(peer.host)
        peer.networkChanged()
      }
      system.world.pass(2000)
      const attempt = peers[0]!.connect(peers[1]!)
      expect(system.world.until(() => attempt.tunnel?.path === 'relayed', 5000)).toBe(true)
      const ends = [attempt.tunnel!, [...peers[1]!.tunnels.values()][0]!] as const
      system.world.pass(5000)
      for (const end of ends) end.talk(100, 60_000)
      const leaving = system.nodes.find(({ relay }) => relay!.load > 0)!
      leaving.drain()
      system.world.pass(55_000)
      leaving.leave()
      system.world.pass(10_000)
      const lost = ends.map((end, i) => ends[1 - i]!.sent - end.received.size)
      expect(Math.max(...lost), `seed ${seed}`).toBeLessThan(5)
    }
  })
})

describe('nodes that cannot reach each other', () => {
  it('still serve those at the same node, and all of them afterwards', () => {
    const { system, peers } = crowd(9)
    const [one, ...others] = system.nodes as [Node, ...Node[]]
    const heal = others.map((other) => system.internet.core.separate(one.host.ips, other.host.ips))
    const [ann, bob] = peers.filter(({ node }) => node === others[0]!.id)
    const near = ann!.send(bob!)
    expect(system.world.until(() => ann!.outcomeOf(near) === 'delivered', 1000)).toBe(true)
    const far = peers.filter(({ node }) => node === one.id).map((peer) => ann!.send(peer))
    system.world.pass(5000)
    for (const each of heal) each()
    expect(system.world.until(() => far.every((text) => ann!.outcomeOf(text) !== undefined), 20_000)).toBe(
      true,
    )
    system.world.pass(30_000)
    expect(system.model.messages).toMatchObject({ sent: 1 + far.length, delivered: 1 + far.length })
    expect(system.conclude()).toEqual([])
  })
})
