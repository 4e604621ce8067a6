import { describe, expect, it } from 'vitest'
import { type StunEnds, StunServer } from '../../shared/core/stun/stun-server.ts'
import type { StunServer as StunNode } from '../../shared/core/tunnel/evidence.ts'
import { addressOf } from '../../shared/wire/address.ts'
import { evidenceOf } from './gathering.ts'
import type { Host } from './host.ts'
import { Internet, type SiteSetting } from './internet.ts'
import { MOBILE } from './link.ts'
import { NAT_KINDS, type NatKind } from './nat-kinds.ts'
import { Process } from './process.ts'
import { World } from './world.ts'

const PORTS = [3478, 3479] as const
const fleetKeys = [new Uint8Array(32).fill(1)]

function pairOf(internet: Internet): StunNode[] {
  const hosts = [internet.server('one'), internet.server('other')] as const
  const [one, other] = hosts.map(endsOf) as [StunEnds, StunEnds]
  const start = (host: Host, own: StunEnds, partner: StunEnds) =>
    new Process(
      host,
      new StunServer({ own, partner, fleetKeys, seed: host.world.dice.fork(host.name).bytes(32) }),
      PORTS.map((port) => ({ port })),
      () => {},
    )
  start(hosts[0], one, other)
  start(hosts[1], other, one)
  return [one, other].map(({ ipv4 }) => ({ primary: ipv4![0], alternate: ipv4![1] }))
}

function endsOf(host: Host): StunEnds {
  const [primary, alternate] = PORTS.map((port) => addressOf(host.ips[0]!, port)!)
  return { ipv4: [primary!, alternate!] }
}

function profileBehind(setting: SiteSetting, seed = 1) {
  const internet = new Internet(new World(seed))
  const stun = pairOf(internet)
  const profile = evidenceOf(internet.site('home', setting).host('host'), stun)
  expect(profile.ready).toBe(true)
  return profile
}

describe('what a peer finds out about its NAT from a STUN pair', () => {
  const table: [NatKind, string, string, string][] = [
    ['full-cone', 'independent', 'independent', 'preserving'],
    ['address-restricted', 'independent', 'address', 'preserving'],
    ['port-restricted', 'independent', 'addressAndPort', 'preserving'],
    ['linux', 'independent', 'addressAndPort', 'preserving'],
    ['linux-exposed', 'independent', 'addressAndPort', 'preserving'],
    ['hairpin-cone', 'independent', 'addressAndPort', 'unknown'],
    ['symmetric-sequential', 'addressAndPort', 'addressAndPort', 'sequential'],
    ['symmetric-random', 'addressAndPort', 'addressAndPort', 'random'],
    ['symmetric-block', 'addressAndPort', 'addressAndPort', 'random'],
    ['carrier-absolute', 'address', 'addressAndPort', 'random'],
  ]
  it.each(table)('%s: %s mapping, %s filtering, %s ports', (kind, mapping, filtering, allocation) => {
    const profile = profileBehind({ nat: NAT_KINDS[kind] })
    expect(profile).toMatchObject({ mapping, filtering, allocation })
  })

  it('no NAT looks like an independent one that keeps ports', () => {
    expect(profileBehind({})).toMatchObject({
      mapping: 'independent',
      filtering: 'independent',
      allocation: 'preserving',
    })
  })

  it('a home behind a carrier is as its stricter half', () => {
    const profile = profileBehind({ nat: NAT_KINDS['full-cone'], carrier: NAT_KINDS['symmetric-random'] })
    expect(profile).toMatchObject({
      mapping: 'addressAndPort',
      filtering: 'addressAndPort',
      allocation: 'random',
    })
  })

  it('over a mobile link that loses and reorders nothing is ever taken for freer than it is', () => {
    const rough = { ...MOBILE, loss: 0.2, reorder: 0.1 }
    for (let seed = 0; seed < 50; seed++) {
      const { mapping, filtering } = profileBehind({ nat: NAT_KINDS['symmetric-random'], link: rough }, seed)
      expect(['unknown', 'addressAndPort']).toContain(mapping)
      expect(['unknown', 'addressAndPort']).toContain(filtering)
    }
  })
})
