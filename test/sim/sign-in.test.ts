import { describe, expect, it } from 'vitest'
import { BROADBAND, type LinkProfile } from './link.ts'
import { NAT_KINDS } from './nat-kinds.ts'
import { System } from './system.ts'

const HOUR_MS = 3600_000
const ROUGH: LinkProfile = { ...BROADBAND, loss: 0.3, duplicate: 0.2, reorder: 0.2 }

describe('signing in', () => {
  it('takes a call of INDEX and a round trip to a node', () => {
    const system = new System({ seed: 1 })
    expect(system.bringOnline([system.peer('ann')], 200)).toBe(true)
  })

  it('succeeds over links that lose 30 %, double and reorder, in both directions', () => {
    for (let seed = 0; seed < 30; seed++) {
      const system = new System({ seed })
      const ann = system.peer('ann', {
        site: system.site('home', { nat: NAT_KINDS['port-restricted'], link: ROUGH }),
      })
      expect(system.bringOnline([ann], 20_000), `seed ${seed}`).toBe(true)
    }
  })

  it.each([-24, -1, 1, 24])('succeeds with a clock that is wrong by %i hours', (hours) => {
    const system = new System({ seed: 2 })
    const ann = system.peer('ann', { clockOffsetMs: hours * HOUR_MS })
    expect(system.bringOnline([ann], 2000)).toBe(true)
  })

  it.each([
    1, 3,
  ])('succeeds again at once after a restart, with a clock that is behind, at %i nodes', (nodes) => {
    for (let seed = 0; seed < 10; seed++) {
      const system = new System({ seed, nodes })
      const ann = system.peer('ann', { clockOffsetMs: -100_000 })
      expect(system.bringOnline([ann], 10_000)).toBe(true)
      for (let restart = 0; restart < 3; restart++) {
        system.world.pass(3000)
        ann.kill()
        expect(system.bringOnline([ann], 10_000)).toBe(true)
        const session = system.cloud.tables.presence.get(ann.id)!.since
        system.world.pass(5000)
        expect(system.isReachable(ann)).toBe(true)
        expect(system.cloud.tables.presence.get(ann.id)!.since).toBeGreaterThanOrEqual(session)
      }
    }
  })

  it('of hundreds of peers at once asks for a cookie, and takes them all', () => {
    const system = new System({ seed: 3, nodes: 1 })
    const site = system.site('office', { nat: NAT_KINDS.linux })
    const crowd = Array.from({ length: 400 }, (_, i) => system.peer(`peer ${i}`, { site }))
    expect(system.bringOnline(crowd, 20_000)).toBe(true)
    const { cookies, signIns } = system.nodes[0]!.checkpoint!.counters
    expect(cookies).toBeGreaterThan(100)
    expect(signIns).toBeGreaterThanOrEqual(400)
  })

  it('is refused to a peer that was revoked, and its session ends within a second', () => {
    const system = new System({ seed: 4 })
    const ann = system.peer('ann')
    expect(system.bringOnline([ann])).toBe(true)
    system.world.pass(2000)
    system.cloud.write((tables) => tables.revoke(ann.id))
    expect(system.world.until(() => !ann.online, 1000)).toBe(true)
    expect(ann.offlineWhy).toBe('revoked')
    expect(system.world.until(() => ann.online, 60_000)).toBe(false)
  })

  it('with the same key on another device replaces the first session', () => {
    const system = new System({ seed: 5 })
    const ann = system.peer('ann')
    expect(system.bringOnline([ann])).toBe(true)
    system.world.pass(15_000)
    const twin = system.twinOf(ann)
    expect(system.bringOnline([twin])).toBe(true)
    expect(system.world.until(() => !ann.online, 2000)).toBe(true)
    expect(ann.offlineWhy).toBe('replaced')
    expect(system.world.until(() => ann.online, 120_000)).toBe(false)
    expect(twin.online).toBe(true)
  })

  it('lasts: three hours later the ticket was renewed twice and the mapping is still open', () => {
    const system = new System({ seed: 6 })
    const network = system.network()
    const home = system.site('home', { nat: NAT_KINDS['port-restricted'] })
    const [ann, bob] = [
      system.peer('ann', { site: home, networks: [network] }),
      system.peer('bob', { networks: [network] }),
    ]
    expect(system.bringOnline([ann, bob])).toBe(true)
    const since = ann.onlineSince
    system.world.pass(3 * HOUR_MS)
    expect(ann.onlineSince).toBe(since)
    const text = bob.send(ann)
    expect(system.world.until(() => bob.outcomeOf(text) === 'delivered', 500)).toBe(true)
    expect(system.conclude()).toEqual([])
  })

  it('lasts with tickets of a minute, each renewed once half of it is over', () => {
    const system = new System({ seed: 12 })
    system.issuer.ticketMs = 60_000
    const ann = system.peer('ann', { networks: [system.network()] })
    expect(system.bringOnline([ann])).toBe(true)
    const since = ann.onlineSince
    system.world.pass(600_000)
    expect(ann.onlineSince).toBe(since)
    expect(system.issuer.issued).toBeGreaterThan(18)
    expect(system.issuer.issued).toBeLessThan(23)
  })

  it('moves with a NAT that gives the peer another address, at the next keep-alive', () => {
    const system = new System({ seed: 7 })
    const network = system.network()
    const home = system.site('home', { nat: NAT_KINDS['port-restricted'] })
    const [ann, bob] = [
      system.peer('ann', { site: home, networks: [network] }),
      system.peer('bob', { networks: [network] }),
    ]
    expect(system.bringOnline([ann, bob])).toBe(true)
    system.world.pass(10_000)
    home.router.rebind(system.internet.freshIp())
    system.world.pass(27_000)
    const text = bob.send(ann)
    expect(system.world.until(() => bob.outcomeOf(text) === 'delivered', 1000)).toBe(true)
  })

  /** Ann behind a router, Bob elsewhere; both have been online for a while. */
  function settled(seed: number, forMs = 10_000) {
    const system = new System({ seed })
    const network = system.network()
    const home = system.site('home', { nat: NAT_KINDS['port-restricted'] })
    const [ann, bob] = [
      system.peer('ann', { site: home, networks: [network] }),
      system.peer('bob', { networks: [network] }),
    ] as const
    expect(system.bringOnline([ann, bob])).toBe(true)
    system.world.pass(forMs)
    return { system, home, ann, bob }
  }

  it.each([
    1, 2, 3, 4,
  ])('at a new public address is told of it, and others reach the peer a second after its keep-alive: seed %i', (seed) => {
    const { system, home, ann, bob } = settled(seed)
    const { world } = system
    const ip = system.internet.freshIp()
    home.router.rebind(ip)
    const text = bob.send(ann)
    expect(world.until(() => ann.addresses.length > 0, 60_000)).toBe(true)
    expect(ann.addresses).toEqual([{ ip, at: expect.any(Number) }])
    expect(world.until(() => bob.outcomeOf(text) === 'delivered', 1000)).toBe(true)
  })

  it('that was taken for lost meanwhile is back a second after its keep-alive', () => {
    const { system, home, ann, bob } = settled(5, 945_000)
    const { world } = system
    home.router.rebind(system.internet.freshIp())
    world.pass(3000)
    bob.send(ann)
    const statusOfAnn = () => bob.seen.get(ann.id)?.status
    expect(world.until(() => statusOfAnn() === 'offline', 20_000)).toBe(true)
    expect(ann.online).toBe(true)
    expect(world.until(() => !ann.online, 60_000)).toBe(true)
    expect(world.until(() => ann.addresses.length > 0, 1000)).toBe(true)
    expect(world.until(() => statusOfAnn() === 'online', 1000)).toBe(true)
  })

  it('is told of the address of another network, once', () => {
    const { system, ann } = settled(6)
    const train = system.site('train', { nat: NAT_KINDS['port-restricted'] })
    train.plug(ann.host)
    ann.networkChanged()
    system.world.pass(1000)
    expect(ann.addresses.map(({ ip }) => ip)).toEqual([train.router.ip])
    system.world.pass(60_000)
    expect(ann.addresses.length).toBe(1)
  })

  it('moves at once with a host that notices its new network', () => {
    const system = new System({ seed: 8 })
    const network = system.network()
    const [ann, bob] = [
      system.peer('ann', { networks: [network] }),
      system.peer('bob', { networks: [network] }),
    ]
    expect(system.bringOnline([ann, bob])).toBe(true)
    system.world.pass(2000)
    system.site('train', { nat: NAT_KINDS['symmetric-random'] }).plug(ann.host)
    ann.networkChanged()
    system.world.pass(1000)
    const text = bob.send(ann)
    expect(system.world.until(() => bob.outcomeOf(text) === 'delivered', 1000)).toBe(true)
  })
})
