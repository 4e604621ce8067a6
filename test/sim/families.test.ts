import { describe, expect, it } from 'vitest'
import type { SiteSetting } from './internet.ts'
import { NAT_KINDS } from './nat-kinds.ts'
import type { Peer } from './peer.ts'
import { System } from './system.ts'

const IPV6_ONLY: SiteSetting = { ipv4: false, ipv6: true, firewall: true }
const DUAL: SiteSetting = { nat: NAT_KINDS['symmetric-random'], ipv6: true }
const IPV4_ONLY: SiteSetting = { nat: NAT_KINDS['port-restricted'] }

function two(left: SiteSetting, right: SiteSetting, seed: number): { system: System; ann: Peer; bob: Peer } {
  const system = new System({ seed, ipv6: true })
  const networks = [system.network()]
  const ann = system.peer('ann', { networks, site: system.site('left', left) })
  const bob = system.peer('bob', { networks, site: system.site('right', right) })
  expect(system.bringOnline([ann, bob], 500)).toBe(true)
  system.world.pass(2000)
  return { system, ann, bob }
}

describe('a host with IPv6 only', () => {
  it('signs in at once, wherever nodes stand', () => {
    for (let seed = 0; seed < 10; seed++) {
      const system = new System({ seed, nodes: 3, ipv6: true })
      const ann = system.peer('ann', { site: system.site('home', IPV6_ONLY) })
      expect(system.bringOnline([ann], 300), `seed ${seed}`).toBe(true)
    }
  })

  const others: [string, SiteSetting, 'direct' | 'relayed'][] = [
    ['itself', IPV6_ONLY, 'direct'],
    ['both families', DUAL, 'direct'],
    ['IPv4 only', IPV4_ONLY, 'relayed'],
  ]
  for (const [name, other, path] of others) {
    it.each([
      ['towards', IPV6_ONLY, other],
      ['asked by', other, IPV6_ONLY],
    ])(`%s ${name} is ${path}, and data flows at once`, (_, left, right) => {
      for (let seed = 0; seed < 5; seed++) {
        const { system, ann, bob } = two(left, right, seed)
        const attempt = ann.connect(bob)
        const ends = () => [...ann.tunnels.values(), ...bob.tunnels.values()]
        const all = (wanted: string[]) =>
          ends().length === 2 && ends().every((it) => wanted.includes(it.path))
        expect(
          system.world.until(() => all(['direct', 'relayed']), 1000),
          `seed ${seed}`,
        ).toBe(true)
        expect(attempt.failure).toBeUndefined()
        expect(
          system.world.until(() => all([path]), 1500),
          `seed ${seed}`,
        ).toBe(true)
        for (const end of ends()) end.talk(100, 4000)
        system.world.pass(5000)
        expect(ends().map((it) => it.path)).toEqual([path, path])
        expect(system.conclude()).toEqual([])
      }
    })
  }

  it('that had IPv4 before is back at once after it moved, and its tunnel goes on within a second', () => {
    const { system, ann, bob } = two(IPV4_ONLY, DUAL, 1)
    const attempt = ann.connect(bob)
    expect(system.world.until(() => attempt.tunnel?.path === 'direct', 5000)).toBe(true)
    system.site('elsewhere', IPV6_ONLY).plug(ann.host)
    ann.networkChanged()
    expect(ann.online).toBe(false)
    expect(system.world.until(() => ann.online, 400)).toBe(true)
    const heard = () => attempt.tunnel!.received.size
    for (const end of [attempt.tunnel!, ...bob.tunnels.values()]) end.talk(100, 10_000)
    const before = heard()
    expect(system.world.until(() => heard() > before, 1000)).toBe(true)
  })
})
