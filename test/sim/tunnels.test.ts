import { describe, expect, it } from 'vitest'
import type { Paths } from '../../shared/paths.ts'
import type { TunnelTerms } from '../../shared/wire/offers.ts'
import type { SiteSetting } from './internet.ts'
import { BROADBAND, MOBILE } from './link.ts'
import { NAT_KINDS, type NatKind } from './nat-kinds.ts'
import type { Peer } from './peer.ts'
import { System } from './system.ts'
import type { Tunnel } from './tunnel.ts'

type Kind = NatKind | 'open'

interface Joined {
  readonly system: System
  readonly ann: Peer
  readonly bob: Peer
  /** The end of Ann and the end of Bob. */
  readonly ends: readonly [Tunnel, Tunnel]
  readonly agreedAt: number
}

interface Setting {
  readonly seed?: number
  readonly left: SiteSetting
  readonly right: SiteSetting
  readonly terms?: Partial<TunnelTerms>
  readonly allowed?: Paths
  readonly nodes?: number
}

/** Returns two peers in two sites, with a tunnel just agreed on. */
function joined({ seed = 1, left, right, terms = {}, allowed = 'auto', nodes = 2 }: Setting): Joined {
  const system = new System({ seed, nodes })
  const network = system.network()
  system.cloud.write((tables) => tables.setPaths(network, allowed))
  const ann = system.peer('ann', { networks: [network], site: system.site('left', left) })
  const bob = system.peer('bob', { networks: [network], site: system.site('right', right) })
  expect(system.bringOnline([ann, bob], 20_000)).toBe(true)
  system.world.pass(500)
  const attempt = ann.connect(bob, terms)
  expect(system.world.until(() => attempt.tunnel !== undefined, 20_000)).toBe(true)
  const [other] = [...bob.tunnels.values()]
  return { system, ann, bob, ends: [attempt.tunnel!, other!], agreedAt: system.world.now }
}

const behind = (kind: Kind): SiteSetting => (kind === 'open' ? {} : { nat: NAT_KINDS[kind] })

/** Both ends send ten datagrams a second for `forMs`. A second later, all have arrived. */
function converse({ system, ends }: Joined, forMs: number, bytes?: number): void {
  for (const end of ends) end.talk(100, forMs, bytes)
  system.world.pass(forMs + 1000)
}

/**
 * Time until a relay has a leg's proof of address. Until then it sends the leg no more bytes than it received from it, so
 * large datagrams may be lost.
 */
const RELAY_PROOF_MS = 60

/** Returns a tunnel that is old enough to have given up its relay if it is direct. */
function settled(setting: Setting, path: Tunnel['path']): Joined {
  const tunnel = joined(setting)
  expect(both(tunnel, path, 5000)).toBe(true)
  converse(tunnel, 15_000)
  return tunnel
}

/** Returns for each end how many datagrams sent to the other end were lost. */
const lost = ([a, b]: readonly [Tunnel, Tunnel]): number[] => [
  b.sent - a.received.size,
  a.sent - b.received.size,
]

const both = ({ system, ends }: Joined, path: Tunnel['path'], withinMs: number): boolean =>
  system.world.until(() => ends.every((end) => end.path === path), withinMs)

/** Expected paths: `d` direct, `r` relayed. The row is the side that offers. */
const EXPECTED: Record<string, string> = {
  //                      op fc ar pr lx hc ss sr
  open: /*               */ 'd d d d d d d d',
  'full-cone': /*        */ 'd d d d d d d d',
  'address-restricted': /**/ 'd d d d d d d d',
  'port-restricted': /*  */ 'd d d d d d d d',
  linux: /*              */ 'd d d d d d d d',
  'hairpin-cone': /*     */ 'd d d d d d d d',
  'symmetric-sequential': 'd d d d d d d r',
  'symmetric-random': /* */ 'd d d d d d r r',
}
const KINDS = Object.keys(EXPECTED) as Kind[]

describe('a tunnel between two NATs', () => {
  for (const [row, left] of KINDS.entries()) {
    it(`${left} towards ${KINDS.join(', ')}: ${EXPECTED[left]}`, () => {
      const found = KINDS.map((right, column) => {
        const tunnel = joined({ seed: 100 + row * 10 + column, left: behind(left), right: behind(right) })
        converse(tunnel, 5000)
        expect(lost(tunnel.ends), `${left} to ${right}`).toEqual([0, 0])
        expect(tunnel.ends.map(({ duplicates }) => duplicates)).toEqual([0, 0])
        expect(tunnel.system.conclude()).toEqual([])
        expect(tunnel.ends[0].path).toBe(tunnel.ends[1].path)
        return tunnel.ends[0].path === 'direct' ? 'd' : 'r'
      })
      expect(found.join(' ')).toBe(EXPECTED[left])
    })
  }

  it('carries data over the relay within a few round trips, and directly within a second', () => {
    for (let seed = 0; seed < 20; seed++) {
      const tunnel = joined({ seed, left: behind('linux'), right: behind('port-restricted') })
      converse(tunnel, 3000)
      for (const { machine } of tunnel.ends) {
        expect(machine.status.firstByteMs, `seed ${seed}`).toBeLessThan(250)
        expect(machine.status.directMs, `seed ${seed}`).toBeLessThan(1000)
      }
    }
  })

  it('says why it is not direct', () => {
    const table: [Kind, Kind, string][] = [
      ['symmetric-random', 'symmetric-random', 'both-symmetric'],
      ['symmetric-sequential', 'symmetric-random', 'both-symmetric'],
    ]
    for (const [left, right, why] of table) {
      const tunnel = joined({ left: behind(left), right: behind(right) })
      converse(tunnel, 15_000)
      expect(tunnel.ends.map(({ whyNotDirect }) => whyNotDirect)).toEqual([why, why])
    }
  })

  it('is direct by IPv6 where both have it, whatever their NATs do', () => {
    const site = { ...behind('symmetric-random'), ipv6: true }
    const tunnel = joined({ left: site, right: site })
    expect(both(tunnel, 'direct', 3000)).toBe(true)
    converse(tunnel, 2000)
    expect(lost(tunnel.ends)).toEqual([0, 0])
  })

  it('is direct between routers that an early packet would poison, as the first packets die before them', () => {
    for (let seed = 0; seed < 20; seed++) {
      const tunnel = joined({ seed, left: behind('linux-exposed'), right: behind('linux-exposed') })
      expect(both(tunnel, 'direct', 3000), `seed ${seed}`).toBe(true)
    }
  })

  it('is as its stricter half where a home is behind a carrier', () => {
    const carried = { ...behind('full-cone'), carrier: NAT_KINDS['port-restricted'] }
    expect(both(joined({ left: carried, right: carried }), 'direct', 3000)).toBe(true)
    const hard = { ...behind('full-cone'), carrier: NAT_KINDS['symmetric-random'] }
    const tunnel = joined({ left: hard, right: hard })
    converse(tunnel, 5000)
    expect(tunnel.ends[0].path).toBe('relayed')
  })

  it('stays within a site', () => {
    const system = new System({ seed: 5 })
    const network = system.network()
    const office = system.site('office', behind('symmetric-random'))
    const [ann, bob] = ['ann', 'bob'].map((name) =>
      system.peer(name, { networks: [network], site: office }),
    ) as [Peer, Peer]
    expect(system.bringOnline([ann, bob])).toBe(true)
    const attempt = ann.connect(bob)
    expect(system.world.until(() => attempt.tunnel?.path === 'direct', 3000)).toBe(true)
    attempt.tunnel!.talk(100, 1000)
    system.world.pass(2000)
    expect(attempt.tunnel!.machine.status.rttMs).toBeLessThan(3)
  })
})

describe('a tunnel', () => {
  const pair = { left: behind('port-restricted'), right: behind('port-restricted') }

  it('loses nothing and doubles nothing when it becomes direct, at any pace and size', () => {
    for (let seed = 0; seed < 20; seed++) {
      const tunnel = joined({ seed, ...pair })
      expect(both(tunnel, 'relayed', 1000)).toBe(true)
      tunnel.system.world.pass(RELAY_PROOF_MS)
      for (const end of tunnel.ends) end.talk(3, 2000, 1100)
      tunnel.system.world.pass(4000)
      expect(tunnel.ends.map(({ path }) => path)).toEqual(['direct', 'direct'])
      expect(lost(tunnel.ends), `seed ${seed}`).toEqual([0, 0])
      expect(tunnel.ends.map(({ duplicates }) => duplicates)).toEqual([0, 0])
    }
  })

  it('gives the relay up once all data goes directly', () => {
    const tunnel = joined(pair)
    converse(tunnel, 20_000)
    expect(tunnel.ends.map(({ released }) => released)).toEqual([true, true])
    tunnel.system.world.pass(60_000)
    expect(tunnel.system.nodes.map(({ relay }) => relay!.load)).toEqual([0, 0])
  })

  it('falls back to the relay within three seconds when the direct path dies, and comes back when it heals', () => {
    for (const waitMs of [2000, 60_000]) {
      const tunnel = joined(pair)
      const { system, ann, bob } = tunnel
      expect(both(tunnel, 'direct', 3000)).toBe(true)
      system.world.pass(waitMs)
      for (const end of tunnel.ends) end.talk(50, 30_000)
      const heal = system.internet.core.separate([outsideIp(ann)], [outsideIp(bob)])
      expect(both(tunnel, 'relayed', 3000), `after ${waitMs} ms`).toBe(true)
      const before = tunnel.ends.map(({ received }) => received.size)
      system.world.pass(5000)
      for (const [i, end] of tunnel.ends.entries()) expect(end.received.size).toBeGreaterThan(before[i]! + 80)
      heal()
      expect(both(tunnel, 'direct', 90_000)).toBe(true)
    }
  })

  it('outlives routers that restart and give it another address', () => {
    for (let seed = 0; seed < 10; seed++) {
      const tunnel = joined({ seed, ...pair })
      const { system, ann, bob } = tunnel
      expect(both(tunnel, 'direct', 3000)).toBe(true)
      for (const end of tunnel.ends) end.talk(100, 100_000)
      system.world.pass(20_000)
      system.siteOf(ann).router.rebind(system.internet.freshIp())
      system.world.pass(20_000)
      system.siteOf(bob).router.rebind()
      system.world.pass(30_000)
      const before = tunnel.ends.map(({ received }) => received.size)
      system.world.pass(5000)
      for (const [i, end] of tunnel.ends.entries()) {
        expect(end.received.size, `seed ${seed}`).toBeGreaterThan(before[i]! + 40)
      }
    }
  })

  it('outlives a move to another network', () => {
    const tunnel = joined(pair)
    const { system, ann } = tunnel
    expect(both(tunnel, 'direct', 3000)).toBe(true)
    for (const end of tunnel.ends) end.talk(100, 60_000)
    system.world.pass(5000)
    system.site('train', { ...behind('symmetric-random'), link: MOBILE }).plug(ann.host)
    ann.networkChanged()
    system.world.pass(10_000)
    const before = tunnel.ends.map(({ received }) => received.size)
    system.world.pass(5000)
    for (const [i, end] of tunnel.ends.entries()) expect(end.received.size).toBeGreaterThan(before[i]! + 40)
  })

  it('on a relay outlives the node that relays it', () => {
    for (let seed = 0; seed < 10; seed++) {
      const hard = behind('symmetric-random')
      const tunnel = joined({ seed, left: hard, right: hard, nodes: 3 })
      const { system } = tunnel
      expect(both(tunnel, 'relayed', 3000)).toBe(true)
      for (const end of tunnel.ends) end.talk(100, 120_000)
      system.world.pass(5000)
      const relaying = system.nodes.find(({ relay }) => relay!.load > 0)!
      relaying.kill()
      system.world.pass(60_000)
      const before = tunnel.ends.map(({ received }) => received.size)
      system.world.pass(5000)
      for (const [i, end] of tunnel.ends.entries()) {
        expect(end.received.size, `seed ${seed}`).toBeGreaterThan(before[i]! + 40)
      }
    }
  })

  it('that is direct does not notice the death of all nodes', () => {
    const tunnel = joined(pair)
    expect(both(tunnel, 'direct', 3000)).toBe(true)
    tunnel.system.world.pass(15_000)
    for (const node of tunnel.system.nodes) node.kill()
    converse(tunnel, 120_000)
    expect(lost(tunnel.ends)).toEqual([0, 0])
  })

  it('for which a relay was asked never sends a packet to the other side', () => {
    const tunnel = joined({ ...pair, terms: { paths: 'relay-only' } })
    const { system, ann, bob } = tunnel
    system.internet.core.separate([outsideIp(ann)], [outsideIp(bob)])
    converse(tunnel, 10_000)
    expect(tunnel.ends.map(({ path, whyNotDirect }) => [path, whyNotDirect])).toEqual([
      ['relayed', 'policy'],
      ['relayed', 'policy'],
    ])
    expect(lost(tunnel.ends)).toEqual([0, 0])
    expect(system.world.dropped.get('partition')).toBeUndefined()
  })

  it('in a network that lets none be direct stays on a relay, and neither side learns where the other is', () => {
    const tunnel = joined({ ...pair, allowed: 'relay-only' })
    const { system, ann, bob, ends } = tunnel
    system.internet.core.separate([outsideIp(ann)], [outsideIp(bob)])
    converse(tunnel, 10_000)
    expect(ends.map(({ path, whyNotDirect }) => [path, whyNotDirect])).toEqual([
      ['relayed', 'policy'],
      ['relayed', 'policy'],
    ])
    expect(system.world.dropped.get('partition')).toBeUndefined()
  })

  it('that must be direct binds no relay, and ends with the reason where it cannot be', () => {
    const easy = joined({ ...pair, terms: { paths: 'direct-only' } })
    expect(both(easy, 'direct', 3000)).toBe(true)
    expect(easy.ends[0].paths.map(({ path }) => path)).not.toContain('relayed')
    const hard = { left: behind('symmetric-random'), right: behind('symmetric-random') }
    const tunnel = joined({ ...hard, terms: { paths: 'direct-only' } })
    expect(
      tunnel.system.world.until(() => tunnel.ends.every((end) => end.end === 'noDirectPath'), 20_000),
    ).toBe(true)
    expect(tunnel.system.nodes.every(({ relay }) => relay!.counters.bound === 0)).toBe(true)
  })

  it('whose datagrams need not be secret carries them all the same', () => {
    const tunnel = joined({ ...pair, terms: { clear: true } })
    converse(tunnel, 3000)
    expect(lost(tunnel.ends)).toEqual([0, 0])
  })

  it('ends for both when one closes it, and for the other when one vanishes', () => {
    const closed = joined(pair)
    converse(closed, 2000)
    closed.ends[0].close()
    closed.system.world.pass(1000)
    expect(closed.ends.map(({ end }) => end)).toEqual(['closed', 'closedByOther'])
    const left = joined(pair)
    converse(left, 2000)
    left.ann.kill()
    expect(left.system.world.until(() => left.ends[1].end === 'unreachable', 180_000)).toBe(true)
  })

  it.each([
    ['direct', {}],
    ['relayed', { terms: { paths: 'relay-only' } }],
  ] as const)('that is %s ends a quarter of a minute after others are told that the peer is gone', (path, terms) => {
    const { system, ann, bob, ends } = settled({ ...pair, ...terms }, path)
    const from = system.world.now
    ends[1].talk(100, 60_000)
    ann.kill()
    expect(system.world.until(() => bob.seen.get(ann.id)?.status === 'offline', 60_000)).toBe(true)
    expect(ends[1].end).toBeUndefined()
    expect(system.world.until(() => ends[1].end !== undefined, 16_000)).toBe(true)
    expect(ends[1].end).toBe('unreachable')
    expect(system.world.now - from).toBeLessThan(35_000)
  })

  it.each([
    ['direct', {}],
    ['relayed', { terms: { paths: 'relay-only' } }],
  ] as const)('that is %s ends within seconds after the process of the other side was replaced', (path, terms) => {
    const { system, ann, ends } = settled({ ...pair, ...terms }, path)
    ends[1].talk(100, 60_000)
    ann.kill()
    system.world.pass(2000)
    ann.start()
    expect(system.world.until(() => ann.online, 10_000)).toBe(true)
    expect(system.world.until(() => ends[1].end !== undefined, 5000)).toBe(true)
    expect(ends[1].end).toBe('unreachable')
  })

  it('outlives ten seconds in which one side reaches nobody', () => {
    const tunnel = settled(pair, 'direct')
    const { system, ann, bob, ends } = tunnel
    const others = [outsideIp(bob), ...system.nodes.flatMap(({ host }) => host.ips)]
    const heal = system.internet.core.separate([outsideIp(ann)], others)
    for (const end of ends) end.talk(100, 30_000)
    system.world.pass(10_000)
    heal()
    expect(both(tunnel, 'direct', 20_000)).toBe(true)
    expect(ends.map(({ end }) => end)).toEqual([undefined, undefined])
  })

  it('gets through links that lose a tenth and reorder, and is direct all the same', () => {
    const link = { ...BROADBAND, loss: 0.1, reorder: 0.1, duplicate: 0.1, jitterMs: 10 }
    for (let seed = 0; seed < 20; seed++) {
      const rough = { nat: NAT_KINDS.linux, link }
      const tunnel = joined({ seed, left: rough, right: rough })
      converse(tunnel, 20_000)
      expect(
        tunnel.ends.map(({ path }) => path),
        `seed ${seed}`,
      ).toEqual(['direct', 'direct'])
      expect(tunnel.ends.map(({ duplicates }) => duplicates)).toEqual([0, 0])
      for (const end of tunnel.ends) expect(end.received.size).toBeGreaterThan(100)
    }
  })

  it('stays direct for an hour, silent most of the time, through NATs that forget after 30 s', () => {
    const forgetful = { nat: { ...NAT_KINDS['port-restricted'], streamMs: 30_000 } }
    const tunnel = joined({ left: forgetful, right: forgetful })
    expect(both(tunnel, 'direct', 3000)).toBe(true)
    tunnel.system.world.pass(3600_000)
    converse(tunnel, 2000)
    expect(tunnel.ends.map(({ path }) => path)).toEqual(['direct', 'direct'])
    expect(lost(tunnel.ends)).toEqual([0, 0])
    expect(tunnel.ends[0].paths.filter(({ path }) => path !== 'direct')).toHaveLength(1)
  })
})

const outsideIp = (peer: Peer): string => peer.system.siteOf(peer).router.ip
