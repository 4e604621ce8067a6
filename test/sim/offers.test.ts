import { describe, expect, it } from 'vitest'
import { BROADBAND } from './link.ts'
import { NAT_KINDS } from './nat-kinds.ts'
import type { Attempt, Peer } from './peer.ts'
import { System } from './system.ts'

/** Returns two peers of one network and a stranger, all online. */
function three(seed = 1): { system: System; ann: Peer; bob: Peer; eve: Peer } {
  const system = new System({ seed })
  const network = system.network()
  const [ann, bob] = [
    system.peer('ann', { networks: [network] }),
    system.peer('bob', { networks: [network] }),
  ]
  const eve = system.peer('eve', { networks: [system.network()] })
  expect(system.bringOnline([ann, bob, eve])).toBe(true)
  system.world.pass(1000)
  return { system, ann, bob, eve }
}

const isDecided = ({ tunnel, refusal }: Attempt): boolean => tunnel !== undefined || refusal !== undefined

describe('an offer', () => {
  it('that is accepted is a tunnel at both ends, with the intent it was made with', () => {
    const { system, ann, bob } = three()
    const attempt = ann.connect(bob, {}, 'chess')
    expect(system.world.until(() => attempt.tunnel !== undefined, 300)).toBe(true)
    expect(bob.offers).toMatchObject([
      { from: ann.id, intent: 'chess', terms: { clear: false, paths: 'auto' } },
    ])
    expect(bob.tunnels.size).toBe(1)
  })

  it('of three hundred at once is accepted like the others: they wait for the node', () => {
    const { system, ann, bob } = three()
    const attempts = Array.from({ length: 300 }, () => ann.connect(bob, { paths: 'relay-only' }))
    const open = () => attempts.filter(({ tunnel }) => tunnel !== undefined).length
    system.world.until(() => open() === 300, 30_000)
    expect([open(), attempts.find(({ failure }) => failure)?.failure]).toEqual([300, undefined])
  })

  it('to a peer that was away is made the moment it is online', () => {
    const { system, ann, bob } = three()
    bob.leave()
    system.world.pass(1000)
    const early = ann.connect(bob)
    expect(system.world.until(() => isDecided(early), 1000)).toBe(true)
    expect(early.refusal?.outcome).toBe('offline')
    bob.kill()
    bob.start()
    expect(system.world.until(() => bob.online, 5000)).toBe(true)
    const attempt = ann.connect(bob)
    expect(system.world.until(() => isDecided(attempt), 1000)).toBe(true)
    expect(attempt.refusal).toBeUndefined()
  })

  it('that is refused ends with the reason', () => {
    const { system, ann, bob } = three()
    bob.decide = () => 'not now'
    const attempt = ann.connect(bob)
    expect(system.world.until(() => isDecided(attempt), 300)).toBe(true)
    expect(attempt.refusal).toMatchObject({ outcome: 'refused', reason: 'not now' })
    expect(bob.tunnels.size).toBe(0)
  })

  it('may be decided a while later, and is shown once however often it is repeated', () => {
    const { system, ann, bob } = three()
    bob.decide = () => undefined
    const attempt = ann.connect(bob)
    system.world.pass(20_000)
    expect(bob.offers).toHaveLength(1)
    bob.accept(bob.offers[0]!.tunnel)
    expect(system.world.until(() => attempt.tunnel !== undefined, 2500)).toBe(true)
  })

  it('to a stranger is answered as if there were no such peer, and the stranger hears nothing', () => {
    const { system, ann, eve } = three()
    const attempt = eve.connect(ann)
    expect(system.world.until(() => isDecided(attempt), 1000)).toBe(true)
    expect(attempt.refusal?.outcome).toBe('unknownPeer')
    expect(ann.offers).toEqual([])
  })

  it('to somebody who blocks the sender is answered as to one that is away, and not shown', () => {
    const { system, ann } = three()
    const network = system.network()
    system.cloud.write((tables) => tables.setRole(network, ann.user, 'member'))
    const proud = system.peer('proud', { networks: [network] })
    system.cloud.write((tables) => tables.setBlocks(proud.user, [ann.user]))
    expect(system.bringOnline([proud])).toBe(true)
    system.world.pass(1000)
    const attempt = ann.connect(proud)
    expect(system.world.until(() => isDecided(attempt), 1000)).toBe(true)
    expect(attempt.refusal?.outcome).toBe('offline')
    expect(proud.offers).toEqual([])
  })

  it('to a peer that is away is answered `offline`', () => {
    const { system, ann, bob } = three()
    bob.leave()
    system.world.pass(2000)
    const attempt = ann.connect(bob)
    expect(system.world.until(() => isDecided(attempt), 1000)).toBe(true)
    expect(attempt.refusal?.outcome).toBe('offline')
  })

  it('is agreed on over links that lose 30 %, double and reorder, once', () => {
    for (let seed = 0; seed < 20; seed++) {
      const system = new System({ seed })
      const network = system.network()
      const link = { ...BROADBAND, loss: 0.3, duplicate: 0.2, reorder: 0.2 }
      const peers = ['ann', 'bob'].map((name) =>
        system.peer(name, { networks: [network], site: system.site(name, { nat: NAT_KINDS.linux, link }) }),
      )
      expect(system.bringOnline(peers, 20_000)).toBe(true)
      const [ann, bob] = peers as [Peer, Peer]
      const attempt = ann.connect(bob)
      expect(
        system.world.until(() => attempt.tunnel !== undefined, 20_000),
        `seed ${seed}`,
      ).toBe(true)
      system.world.pass(5000)
      expect([ann.tunnels.size, bob.tunnels.size]).toEqual([1, 1])
    }
  })

  it('of both to each other at once is two tunnels', () => {
    const { system, ann, bob } = three()
    const attempts = [ann.connect(bob), bob.connect(ann)]
    expect(system.world.until(() => attempts.every(({ tunnel }) => tunnel !== undefined), 1000)).toBe(true)
    for (const tunnel of [...ann.tunnels.values(), ...bob.tunnels.values()]) tunnel.talk(100, 2000)
    system.world.pass(5000)
    expect(system.conclude()).toEqual([])
  })
})
