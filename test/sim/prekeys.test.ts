import { describe, expect, it } from 'vitest'
import type { NetworkId } from '../../shared/ids.ts'
import { decodeSealedBody } from '../../shared/wire/messages.ts'
import { prekeyNumber } from '../../shared/wire/prekeys.ts'
import { BROADBAND, type LinkProfile } from './link.ts'
import type { Peer } from './peer.ts'
import { System } from './system.ts'

const ROUGH: LinkProfile = { ...BROADBAND, loss: 0.2, duplicate: 0.2, reorder: 0.2 }
const DAY = 24 * 3600_000

interface Pair {
  readonly system: System
  readonly network: NetworkId
  readonly ann: Peer
  readonly bob: Peer
}

/** Returns two peers of one network, online at different nodes if `apart`. */
function pair(seed: number, { link = BROADBAND, apart = true } = {}): Pair {
  for (;;) {
    const system = new System({ seed, nodes: 2 })
    const network = system.network()
    const ann = system.peer('ann', { site: system.site('left', { link }), networks: [network] })
    const bob = system.peer('bob', { site: system.site('right', { link }), networks: [network] })
    expect(system.bringOnline([ann, bob], 30_000)).toBe(true)
    if ((ann.node !== bob.node) === apart) {
      system.world.pass(2000)
      return { system, network, ann, bob }
    }
    seed += 1000
  }
}

const outcomes = (of: Peer, texts: readonly string[]) => texts.map((text) => of.outcomeOf(text))

function say({ system, ann, bob }: Pair, count: number, withinMs = 30_000): string[] {
  const texts = Array.from({ length: count }, () => ann.send(bob))
  expect(system.world.until(() => texts.every((text) => ann.outcomeOf(text) !== undefined), withinMs)).toBe(
    true,
  )
  return texts
}

const published = ({ system, bob }: Pair): number => {
  const { prekey } = system.cloud.tables.presence.get(bob.id)!
  return prekey === undefined ? 0 : prekeyNumber(prekey)
}

/** The keys that the messages in the mailbox of Bob are sealed for. */
const keysInMailbox = ({ system, bob }: Pair): (number | undefined)[] =>
  system.cloud.tables.mailOf(bob.id).map(({ body }) => decodeSealedBody(body)?.key)

describe('a message', () => {
  it('is sealed for the prekey that its recipient has published, also for an absent one', () => {
    const two = pair(1)
    expect(published(two)).not.toBe(0)
    two.bob.leave()
    two.system.world.pass(1000)
    const texts = say(two, 3)
    expect(keysInMailbox(two)).toEqual(Array(3).fill(published(two)))
    two.bob.start()
    two.system.world.pass(5000)
    expect(two.bob.messages.map(({ text }) => text)).toEqual(texts)
    expect(two.system.conclude()).toEqual([])
  })

  it.each([
    true,
    false,
  ])('for a prekey that its recipient lost comes all the same, once and in order (at two nodes: %s)', (apart) => {
    const two = pair(2, { apart })
    const first = say(two, 2)
    const before = published(two)
    two.bob.kill()
    two.bob.prekeys = []
    expect(two.system.bringOnline([two.bob], 30_000)).toBe(true)
    const texts = say(two, 40)
    expect(published(two)).not.toBe(before)
    expect(new Set(outcomes(two.ann, texts))).toEqual(new Set(['delivered']))
    expect(two.bob.messages.map(({ text }) => text)).toEqual([...first, ...texts])
    expect(two.system.conclude()).toEqual([])
  })

  it('for a lost prekey comes once and in order over a network that loses, doubles and reorders', () => {
    for (const seed of [11, 12, 13]) {
      const two = pair(seed, { link: ROUGH })
      const first = say(two, 5, 60_000)
      two.bob.kill()
      two.bob.prekeys = []
      expect(two.system.bringOnline([two.bob], 60_000)).toBe(true)
      const texts = say(two, 40, 60_000)
      expect(new Set(outcomes(two.ann, texts))).toEqual(new Set(['delivered']))
      expect(two.bob.messages.map(({ text }) => text)).toEqual([...first, ...texts])
      expect(two.system.conclude()).toEqual([])
    }
  })

  it('to a peer that stores no prekeys waits in its mailbox for its next run', () => {
    const two = pair(4)
    const { system, network, ann } = two
    const eve = system.peer('eve', { networks: [network] })
    eve.prekeys = undefined
    expect(system.bringOnline([eve], 30_000)).toBe(true)
    system.world.pass(1000)
    eve.kill()
    system.world.pass(120_000)
    const text = ann.send(eve)
    expect(system.world.until(() => ann.outcomeOf(text) === 'stored', 30_000)).toBe(true)
    expect(system.bringOnline([eve], 30_000)).toBe(true)
    system.world.pass(5000)
    expect(eve.messages).toEqual([{ from: ann.id, text }])
  })

  it('to an absent peer is read with a prekey that was replaced meanwhile', () => {
    const two = pair(5)
    const { system, bob } = two
    const [first] = say(two, 1)
    bob.leave()
    system.world.pass(1000)
    const [second] = say(two, 1)
    bob.prekeys = bob.prekeys!.map((each) => ({ ...each, signedAt: each.signedAt - 8 * DAY }))
    const before = published(two)
    expect(system.bringOnline([bob], 30_000)).toBe(true)
    system.world.pass(5000)
    expect(published(two)).not.toBe(before)
    expect(bob.messages.map(({ text }) => text)).toEqual([first, second])
  })
})

it('the second message to a peer costs no question', () => {
  const two = pair(6)
  say(two, 1)
  const start = two.system.world.now
  say(two, 1)
  expect(two.system.world.now - start).toBeLessThan(200)
})
