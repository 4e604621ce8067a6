import { describe, expect, it } from 'vitest'
import type { NetworkId } from '../../shared/ids.ts'
import { NAT_KINDS } from './nat-kinds.ts'
import type { Peer } from './peer.ts'
import { System } from './system.ts'

/** Brings peers with the given names online in one network, at whichever nodes they sign in. */
function gathered(names: readonly string[], seed = 1): { system: System; network: NetworkId; peers: Peer[] } {
  const system = new System({ seed, nodes: 3 })
  const network = system.network()
  const peers = names.map((name) => system.peer(name, { networks: [network] }))
  expect(system.bringOnline(peers)).toBe(true)
  system.world.pass(2000)
  return { system, network, peers }
}

const statusAt = (observer: Peer, about: Peer) => observer.seen.get(about.id)?.status

describe('presence', () => {
  it('reaches everybody who shares a network, at whatever node, and nobody else', () => {
    const system = new System({ seed: 1, nodes: 3 })
    const [chess, golf] = [system.network(), system.network()]
    const club = Array.from({ length: 12 }, (_, i) =>
      system.peer(`peer ${i}`, { networks: i < 5 ? [chess] : i < 10 ? [golf] : [chess, golf] }),
    )
    expect(system.bringOnline(club)).toBe(true)
    expect(new Set(club.map(({ node }) => node)).size).toBeGreaterThan(1)
    system.world.pass(2000)
    for (const one of club) {
      const related = club.filter((other) => other !== one && system.related(one.id, other.id))
      expect(new Set(one.seen.keys())).toEqual(new Set(related.map(({ id }) => id)))
      for (const other of related) expect(statusAt(one, other)).toBe('online')
    }
    expect(system.conclude()).toEqual([])
  })

  it('changes are seen within a second, with custom text and live metadata', () => {
    const { system, peers } = gathered(['ann', 'bob'])
    const [ann, bob] = peers as [Peer, Peer]
    ann.setPresence({ status: 'busy', custom: 'in a game', metadata: { game: 'chess' } })
    expect(system.world.until(() => statusAt(bob, ann) === 'busy', 1000)).toBe(true)
    expect(bob.seen.get(ann.id)).toMatchObject({ custom: 'in a game', metadata: { game: 'chess' } })
  })

  it('of single changes and of three at once is seen within 250 ms at the median, right after the sign-in too', () => {
    const { system, peers } = gathered(['ann', 'bob'])
    const [ann, bob] = peers as [Peer, Peer]
    const times: number[] = []
    const change = (score: number) => {
      const from = system.world.now
      ann.setPresence({ metadata: { score } })
      expect(system.world.until(() => bob.seen.get(ann.id)?.metadata.score === score, 2000)).toBe(true)
      times.push(system.world.now - from)
    }
    for (let score = 1; score <= 9; score++) {
      change(score)
      if (score % 3 === 0) system.world.pass(3000)
    }
    times.sort((a, b) => a - b)
    expect(times[4]).toBeLessThan(250)
    ann.kill()
    ann.start()
    expect(system.world.until(() => ann.online && statusAt(bob, ann) === 'online', 20_000)).toBe(true)
    const from = system.world.now
    ann.setPresence({ status: 'busy' })
    expect(system.world.until(() => statusAt(bob, ann) === 'busy', 1000)).toBe(true)
    expect(system.world.now - from).toBeLessThan(600)
  })

  it('of a peer whose NAT forgets after eight seconds stays, and so do messages to it', () => {
    const system = new System({ seed: 1, nodes: 2 })
    const network = system.network()
    const forgetful = { ...NAT_KINDS['port-restricted'], unrepliedMs: 8000, streamMs: 8000 }
    const ann = system.peer('ann', { networks: [network], site: system.site('left', { nat: forgetful }) })
    const bob = system.peer('bob', { networks: [network] })
    expect(system.bringOnline([ann, bob], 20_000)).toBe(true)
    const told: string[] = []
    const texts: string[] = []
    for (let i = 0; i < 60; i++) {
      system.world.pass(10_000)
      told.push(statusAt(bob, ann)!)
      texts.push(bob.send(ann))
      system.world.pass(1000)
    }
    expect(new Set(told)).toEqual(new Set(['online']))
    expect(texts.map((text) => bob.outcomeOf(text))).toEqual(texts.map(() => 'delivered'))
  })

  it('changes in quick succession end with the last, and cost the tables three writes and then one a second', () => {
    const { system, peers } = gathered(['ann', 'bob'])
    const [ann, bob] = peers as [Peer, Peer]
    const before = system.cloud.requests.update ?? 0
    for (let i = 1; i <= 50; i++)
      system.world.after(i * 40, () => ann.setPresence({ metadata: { score: i } }))
    system.world.pass(5000)
    expect(bob.seen.get(ann.id)?.metadata).toEqual({ score: 50 })
    expect((system.cloud.requests.update ?? 0) - before).toBeLessThanOrEqual(6)
  })

  it('of an invisible peer is `offline` for all others; messages reach it, and their receipts do not give it away', () => {
    const { system, peers } = gathered(['ann', 'bob'])
    const [ann, bob] = peers as [Peer, Peer]
    ann.setPresence({ status: 'invisible', metadata: { secret: true } })
    expect(system.world.until(() => statusAt(bob, ann) === 'offline', 1500)).toBe(true)
    expect(bob.seen.get(ann.id)?.metadata).toEqual({})
    const text = bob.send(ann)
    expect(system.world.until(() => bob.outcomeOf(text) === 'stored', 1000)).toBe(true)
    expect(system.world.until(() => ann.messages.length > 0, 1000)).toBe(true)
    expect(ann.messages).toEqual([{ from: bob.id, text }])
    system.world.pass(2000)
    expect(bob.outcomeOf(text)).toBe('stored')
  })

  it('says `offline` at once after a goodbye', () => {
    const { system, peers } = gathered(['ann', 'bob'])
    const [ann, bob] = peers as [Peer, Peer]
    ann.leave()
    expect(system.world.until(() => statusAt(bob, ann) === 'offline', 1000)).toBe(true)
  })

  it('says `offline` after three intervals of a peer that vanished', () => {
    const { system, peers } = gathered(['ann', 'bob'])
    const [ann, bob] = peers as [Peer, Peer]
    ann.kill()
    system.world.pass(45_000)
    expect(statusAt(bob, ann)).toBe('online')
    expect(system.world.until(() => statusAt(bob, ann) === 'offline', 40_000)).toBe(true)
  })

  it('of a network begins with the membership and ends with it', () => {
    const { system, peers } = gathered(['ann', 'bob'])
    const [ann, bob] = peers as [Peer, Peer]
    const golf = system.network()
    const eve = system.peer('eve', { networks: [golf] })
    expect(system.bringOnline([eve])).toBe(true)
    system.world.pass(1000)
    expect(ann.seen.has(eve.id)).toBe(false)
    system.cloud.write((tables) => tables.setRole(golf, ann.user, 'member'))
    expect(system.world.until(() => statusAt(eve, ann) === 'online', 2000)).toBe(true)
    eve.setPresence({ status: 'away' })
    expect(system.world.until(() => statusAt(ann, eve) === 'away', 2000)).toBe(true)
    expect(eve.seen.has(bob.id)).toBe(false)
    expect(ann.changes).toContainEqual(
      expect.objectContaining({ kind: 'membership', network: golf, role: 'member' }),
    )
    system.cloud.write((tables) => tables.setRole(golf, ann.user, null))
    system.world.pass(2000)
    eve.setPresence({ status: 'busy' })
    system.world.pass(2000)
    expect(statusAt(ann, eve)).not.toBe('busy')
  })

  it('of a user with several devices shows each of them, to the user too', () => {
    const { system, network, peers } = gathered(['phone', 'bob'])
    const [phone, bob] = peers as [Peer, Peer]
    const laptop = system.peer('laptop', { networks: [network], user: phone.user })
    expect(system.bringOnline([laptop])).toBe(true)
    const bothSeen = () => statusAt(bob, laptop) === 'online' && statusAt(bob, phone) === 'online'
    expect(system.world.until(() => bothSeen() && statusAt(phone, laptop) === 'online', 2000)).toBe(true)
    laptop.leave()
    expect(system.world.until(() => statusAt(bob, laptop) === 'offline', 1000)).toBe(true)
    expect(statusAt(bob, phone)).toBe('online')
  })

  it('is right in the end although one request in five to the tables fails', () => {
    for (let seed = 0; seed < 10; seed++) {
      const system = new System({ seed, nodes: 3, cloud: { failure: 0.2 } })
      const network = system.network()
      const peers = Array.from({ length: 6 }, (_, i) => system.peer(`peer ${i}`, { networks: [network] }))
      expect(system.bringOnline(peers, 30_000)).toBe(true)
      system.world.pass(20_000)
      peers[0]!.setPresence({ status: 'away' })
      const seen = () => peers.slice(1).every((peer) => statusAt(peer, peers[0]!) === 'away')
      expect(system.world.until(seen, 30_000), `seed ${seed}`).toBe(true)
    }
  })

  it('can be searched, within the own networks only', () => {
    const { system, peers } = gathered(['ann', 'bob', 'cat'])
    const [ann, bob] = peers as [Peer, Peer]
    const eve = system.peer('eve', { networks: [system.network()] })
    expect(system.bringOnline([eve])).toBe(true)
    for (const peer of [bob, eve]) peer.setPresence({ metadata: { game: 'chess' } })
    system.world.pass(2000)
    const search = ann.find('metadata.game eq "chess"')
    expect(system.world.until(() => search.done, 1000)).toBe(true)
    expect(search.records.map(({ peer }) => peer)).toEqual([bob.id])
    const wrong = ann.find('metadata.game is chess')
    expect(system.world.until(() => wrong.done, 1000)).toBe(true)
    expect(wrong.error).toContain('expected')
    expect(system.conclude()).toEqual([])
  })
})
