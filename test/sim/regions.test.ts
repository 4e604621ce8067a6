import { expect, it } from 'vitest'
import { LOOK_MS } from '../../shared/core/peer/nearest.ts'
import { BROADBAND, DATA_CENTRE, type LinkProfile } from './link.ts'
import { NAT_KINDS } from './nat-kinds.ts'
import { System } from './system.ts'

const NEAR = { name: 'near', link: DATA_CENTRE }
const FAR = { name: 'far', link: { ...DATA_CENTRE, latencyMs: 90 } }
const LOSSY: LinkProfile = { ...BROADBAND, loss: 0.02 }

const twoRegions = (seed: number) => new System({ seed, regions: [FAR, NEAR, FAR, NEAR] })
const near = (system: System) => [system.nodes[1]!, system.nodes[3]!]
const far = (system: System) => [system.nodes[0]!, system.nodes[2]!]
const ids = (nodes: readonly { id: string }[]) => nodes.map(({ id }) => id)

it('peers sign in where they are near, for one more round trip', () => {
  for (let seed = 0; seed < 30; seed++) {
    const system = twoRegions(seed)
    expect(system.bringOnline([system.peer('ann')], 250)).toBe(true)
    expect(ids(near(system)), `seed ${seed}`).toContain(system.peers[0]!.node)
  }
})

it('nearly all of them do over links that lose 2 %', () => {
  let strayed = 0
  for (let seed = 0; seed < 100; seed++) {
    const system = twoRegions(seed)
    const site = system.site('home', { nat: NAT_KINDS.linux, link: LOSSY })
    const ann = system.peer('ann', { site })
    expect(system.bringOnline([ann], 20_000)).toBe(true)
    if (!ids(near(system)).includes(ann.node!)) strayed++
  }
  expect(strayed).toBeLessThanOrEqual(2)
})

it('the nodes of a region share its peers', () => {
  const system = twoRegions(7)
  const crowd = Array.from({ length: 40 }, (_, i) => system.peer(`peer ${i}`))
  expect(system.bringOnline(crowd, 5000)).toBe(true)
  for (const { id } of near(system))
    expect(crowd.filter(({ node }) => node === id).length).toBeGreaterThan(10)
})

it('where a region goes down, its peers are in the other one as soon as they miss it', () => {
  for (let seed = 0; seed < 10; seed++) {
    const system = twoRegions(seed)
    const ann = system.peer('ann')
    system.bringOnline([ann])
    system.world.pass(60_000)
    for (const node of near(system)) node.kill()
    system.world.until(() => !ann.online, 120_000)
    expect(
      system.world.until(() => ann.online, LOOK_MS),
      `seed ${seed}`,
    ).toBe(true)
    expect(ids(far(system))).toContain(ann.node)
  }
})

it('a tunnel is led and relayed in the region of the peer that offers it', () => {
  for (let seed = 0; seed < 10; seed++) {
    const system = twoRegions(seed)
    const networks = [system.network()]
    const [ann, bob] = ['ann', 'bob'].map((name) => {
      const site = system.site(`${name}'s`, { nat: NAT_KINDS.linux })
      return system.peer(name, { site, networks })
    })
    expect(system.bringOnline([ann!, bob!])).toBe(true)
    system.world.pass(15_000)
    const attempt = ann!.connect(bob!)
    expect(system.world.until(() => attempt.tunnel !== undefined, 20_000)).toBe(true)
    system.world.pass(300)
    expect(far(system).map(({ handshake, relay }) => [handshake!.counters.joins, relay!.legs])).toEqual([
      [0, 0],
      [0, 0],
    ])
  }
})
