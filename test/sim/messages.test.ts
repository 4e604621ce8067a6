import { describe, expect, it } from 'vitest'
import type { NetworkId } from '../../shared/ids.ts'
import { BROADBAND, type LinkProfile } from './link.ts'
import { NAT_KINDS } from './nat-kinds.ts'
import type { Peer } from './peer.ts'
import { System } from './system.ts'

const ROUGH: LinkProfile = { ...BROADBAND, loss: 0.3, duplicate: 0.2, reorder: 0.2 }

interface Gathering {
  readonly system: System
  readonly network: NetworkId
  readonly ann: Peer
  readonly bob: Peer
}

/** Returns two peers of one network that are online at different nodes. Tries seeds until they are. */
function apart(seed = 1, link: LinkProfile = BROADBAND): Gathering {
  for (;;) {
    const system = new System({ seed, nodes: 2 })
    const network = system.network()
    const site = (name: string) => system.site(name, { nat: NAT_KINDS['port-restricted'], link })
    const ann = system.peer('ann', { site: site('left'), networks: [network] })
    const bob = system.peer('bob', { site: site('right'), networks: [network] })
    expect(system.bringOnline([ann, bob], 20_000)).toBe(true)
    if (ann.node !== bob.node) return { system, network, ann, bob }
    seed += 1000
  }
}

const answered = ({ system }: Gathering, from: Peer, texts: readonly string[], withinMs: number): boolean =>
  system.world.until(() => texts.every((text) => from.outcomeOf(text) !== undefined), withinMs)

describe('a message', () => {
  it('between peers at different nodes is delivered within 200 ms', () => {
    const gathering = apart()
    const { ann, bob } = gathering
    gathering.system.world.pass(1000)
    const text = ann.send(bob)
    expect(answered(gathering, ann, [text], 200)).toBe(true)
    expect(ann.outcomeOf(text)).toBe('delivered')
    expect(bob.messages).toEqual([{ from: ann.id, text }])
  })

  it('of a thousand at once is delivered like the others: they wait for the node, and keep their order', () => {
    const gathering = apart()
    const { system, ann, bob } = gathering
    const texts = Array.from({ length: 1000 }, () => ann.send(bob))
    expect(answered(gathering, ann, texts, 40_000)).toBe(true)
    expect(new Set(texts.map((text) => ann.outcomeOf(text)))).toEqual(new Set(['delivered']))
    expect(bob.messages.map(({ text }) => text)).toEqual(texts)
    expect(system.conclude()).toEqual([])
  })

  it('that a recipient does not take is given up after 30 s', () => {
    const gathering = apart()
    const { system, ann, bob } = gathering
    bob.listen({ messages: false })
    const text = ann.send(bob)
    system.world.pass(29_000)
    expect(ann.outcomeOf(text)).toBeUndefined()
    expect(answered(gathering, ann, [text], 2000)).toBe(true)
    expect(ann.outcomeOf(text)).toBe('unanswered')
  })

  it('to a peer that is away waits in its mailbox, and comes in order when the peer does', () => {
    const gathering = apart()
    const { system, ann, bob } = gathering
    bob.leave()
    system.world.pass(2000)
    const texts = Array.from({ length: 40 }, () => ann.send(bob))
    expect(answered(gathering, ann, texts, 10_000)).toBe(true)
    expect(new Set(texts.map((text) => ann.outcomeOf(text)))).toEqual(new Set(['stored']))
    bob.kill()
    bob.start()
    expect(system.world.until(() => bob.messages.length === 40, 10_000)).toBe(true)
    expect(bob.messages.map(({ text }) => text)).toEqual(texts)
    system.world.pass(5000)
    expect(system.cloud.tables.mailOf(bob.id)).toEqual([])
    expect(system.conclude()).toEqual([])
  })

  it('that the table changed is not shown, its sender learns it, and what is behind it comes', () => {
    const gathering = apart()
    const { system, ann, bob } = gathering
    bob.leave()
    system.world.pass(2000)
    const texts = Array.from({ length: 5 }, () => ann.send(bob))
    expect(answered(gathering, ann, texts, 10_000)).toBe(true)
    const { body } = system.cloud.tables.mailOf(bob.id)[1]!
    body[40]! ^= 1
    bob.kill()
    bob.start()
    expect(system.world.until(() => bob.messages.length === 4, 120_000)).toBe(true)
    expect(bob.messages.map(({ text }) => text)).toEqual(texts.filter((_, i) => i !== 1))
    system.world.pass(5000)
    expect(system.cloud.tables.mailOf(bob.id)).toEqual([])
  })

  it('is in no table in a form that anybody but its recipient can read', () => {
    const gathering = apart()
    const { system, ann, bob } = gathering
    bob.leave()
    system.world.pass(2000)
    const text = ann.send(bob)
    expect(answered(gathering, ann, [text], 10_000)).toBe(true)
    const letters = system.cloud.tables.mailOf(bob.id)
    expect(letters).toHaveLength(1)
    expect(Buffer.from(letters[0]!.body).includes(text)).toBe(false)
    expect(system.mailOf(bob)).toEqual([text])
  })

  it('that is sent while the recipient comes back stays behind those in the mailbox', () => {
    for (let seed = 0; seed < 20; seed++) {
      const gathering = apart(seed)
      const { system, ann, bob } = gathering
      bob.kill()
      for (let i = 0; i < 30; i++) system.world.after(i * 3000, () => ann.send(bob))
      system.world.after(50_000 + seed * 137, () => bob.start())
      system.world.pass(180_000)
      expect(bob.messages).toHaveLength(30)
      expect(system.conclude(), `seed ${seed}`).toEqual([])
    }
  })

  it('of many, both ways, is delivered once and in order over links that lose 30 %, double and reorder', () => {
    for (let seed = 0; seed < 10; seed++) {
      const gathering = apart(seed, ROUGH)
      const { system, ann, bob } = gathering
      const texts = [ann, bob].map((one) => {
        const other = one === ann ? bob : ann
        return Array.from({ length: 50 }, () => one.send(other))
      })
      expect(
        answered(gathering, ann, texts[0]!, 120_000) && answered(gathering, bob, texts[1]!, 120_000),
      ).toBe(true)
      expect(bob.messages.map(({ text }) => text)).toEqual(texts[0])
      expect(ann.messages.map(({ text }) => text)).toEqual(texts[1])
      expect(system.conclude(), `seed ${seed}`).toEqual([])
    }
  })

  it('that was acknowledged is never lost and never doubled when nodes die at any moment', () => {
    for (let seed = 0; seed < 20; seed++) {
      const gathering = apart(seed, { ...ROUGH, loss: 0.1 })
      const { system, ann, bob } = gathering
      const { world, nodes } = system
      for (let i = 0; i < 60; i++) world.after(i * 500, () => ann.send(bob))
      world.after(5000 + seed * 211, () => nodes[seed % 2]!.kill())
      world.after(45_000, () => nodes[seed % 2]!.start())
      world.after(60_000 + seed * 97, () => nodes[(seed + 1) % 2]!.kill())
      world.pass(240_000)
      expect(system.conclude(), `seed ${seed}`).toEqual([])
      expect(system.model.messages, `seed ${seed}`).toEqual({
        sent: 60,
        acknowledged: 60,
        delivered: 60,
        unanswered: 0,
      })
    }
  })

  it('reaches a peer through all of its moves between nodes and networks', () => {
    const gathering = apart(3)
    const { system, ann, bob } = gathering
    for (let i = 0; i < 100; i++) system.world.after(i * 400, () => ann.send(bob))
    for (let i = 1; i <= 4; i++) {
      system.world.after(i * 8000, () => {
        system.site(`place ${i}`, { nat: NAT_KINDS.linux }).plug(bob.host)
        bob.networkChanged()
      })
    }
    system.world.pass(100_000)
    expect(system.model.messages).toMatchObject({ delivered: 100, acknowledged: 100 })
    expect(system.conclude()).toEqual([])
  })

  it('that the recipient has got is not delivered again to its next run', () => {
    const gathering = apart(4)
    const { system, ann, bob } = gathering
    for (let run = 0; run < 5; run++) {
      for (let i = 0; i < 10; i++) ann.send(bob)
      system.world.pass(60 + run * 20)
      bob.kill()
      bob.start()
      system.world.pass(120_000)
    }
    expect(bob.messages).toHaveLength(50)
    expect(system.conclude()).toEqual([])
  })

  it('to a stranger is refused as if there were no such peer', () => {
    const gathering = apart()
    const { system, ann } = gathering
    const eve = system.peer('eve', { networks: [system.network()] })
    expect(system.bringOnline([eve])).toBe(true)
    const text = eve.send(ann)
    expect(answered(gathering, eve, [text], 1000)).toBe(true)
    expect(eve.outcomeOf(text)).toBe('unknownPeer')
    expect(ann.messages).toEqual([])
  })

  it('from somebody who is blocked, by user or by peer, is kept as for one that is away, and not shown', () => {
    const gathering = apart()
    const { system, ann, bob, network } = gathering
    const block = { user: ann.user, peer: ann.id }
    for (const [how, blocked] of Object.entries(block)) {
      const proud = system.peer(`blocks by ${how}`, { networks: [network] })
      system.cloud.write((tables) => tables.setBlocks(proud.user, [blocked]))
      expect(system.bringOnline([proud])).toBe(true)
      system.world.pass(1000)
      const [refused, taken] = [ann.send(proud), bob.send(proud)]
      expect(answered(gathering, ann, [refused], 1000) && answered(gathering, bob, [taken], 1000)).toBe(true)
      expect([ann.outcomeOf(refused), bob.outcomeOf(taken)]).toEqual(['stored', 'delivered'])
    }
  })

  it.each([
    'present',
    'away when the block ends',
  ])('is not waited for if a block dropped it, by a recipient that is %s', (where) => {
    const gathering = apart()
    const { system, ann, bob } = gathering
    system.world.pass(1000)
    system.cloud.write((tables) => tables.setBlocks(bob.user, [ann.user]))
    system.world.pass(1000)
    const dropped = Array.from({ length: 5 }, () => ann.send(bob))
    expect(answered(gathering, ann, dropped, 2000)).toBe(true)
    if (where !== 'present') bob.kill()
    system.world.pass(90_000)
    system.cloud.write((tables) => tables.setBlocks(bob.user, []))
    const text = ann.send(bob)
    expect(answered(gathering, ann, [text], 2000)).toBe(true)
    if (where !== 'present') bob.start()
    expect(system.world.until(() => bob.messages.length > 0, 5000)).toBe(true)
    expect(bob.messages.map((message) => message.text)).toEqual([text])
  })

  it('is not shown within a second after its sender was blocked, and shown after that ended', () => {
    const gathering = apart()
    const { system, ann, bob } = gathering
    system.world.pass(1000)
    for (const [blocks, outcome] of [
      [[ann.user], 'stored'],
      [[], 'delivered'],
    ] as const) {
      system.cloud.write((tables) => tables.setBlocks(bob.user, blocks))
      system.world.pass(1000)
      const text = ann.send(bob)
      expect(answered(gathering, ann, [text], 1000)).toBe(true)
      expect(ann.outcomeOf(text)).toBe(outcome)
    }
  })

  it('to a user with several devices goes to the one it names', () => {
    const gathering = apart()
    const { system, ann, bob, network } = gathering
    const tablet = system.peer('tablet', { networks: [network], user: bob.user })
    expect(system.bringOnline([tablet])).toBe(true)
    const texts = [ann.send(bob), ann.send(tablet), tablet.send(bob)]
    expect(answered(gathering, ann, texts.slice(0, 2), 1000)).toBe(true)
    expect(system.world.until(() => tablet.outcomeOf(texts[2]!) === 'delivered', 1000)).toBe(true)
    expect([bob.messages.length, tablet.messages.length]).toEqual([2, 1])
    expect(system.conclude()).toEqual([])
  })

  it('waits for two nodes that cannot reach each other, and is delivered when they can', () => {
    const gathering = apart()
    const { system, ann, bob } = gathering
    const [one, other] = system.nodes
    const heal = system.internet.core.separate(one!.host.ips, other!.host.ips)
    const texts = Array.from({ length: 5 }, () => ann.send(bob))
    system.world.pass(20_000)
    heal()
    expect(answered(gathering, ann, texts, 30_000)).toBe(true)
    system.world.pass(30_000)
    expect(bob.messages.map(({ text }) => text)).toEqual(texts)
    expect(system.conclude()).toEqual([])
  })

  it('is never lost although one request in five to the tables fails', () => {
    for (let seed = 0; seed < 10; seed++) {
      const gathering = apart(seed)
      const { system, ann, bob } = gathering
      system.cloud.profile = { ...system.cloud.profile, failure: 0.2 }
      for (let i = 0; i < 40; i++) system.world.after(i * 1500, () => ann.send(bob))
      system.world.after(10_000, () => bob.leave())
      system.world.after(30_000, () => {
        bob.kill()
        bob.start()
      })
      system.world.pass(200_000)
      expect(system.model.messages, `seed ${seed}`).toEqual({
        sent: 40,
        acknowledged: 40,
        delivered: 40,
        unanswered: 0,
      })
      expect(system.conclude(), `seed ${seed}`).toEqual([])
    }
  })
})
