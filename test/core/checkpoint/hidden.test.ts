/**
 * A peer that is online looks offline to those whom its user blocks, and an invisible peer looks offline to everybody. They
 * see the same frames, of the same length, at the same times.
 */
import { expect, test } from 'vitest'
import type { TunnelId } from '../../../shared/ids.ts'
import { NOWHERE } from '../../../shared/wire/address.ts'
import { FRAME } from '../../../shared/wire/numbers.ts'
import { encodeOffer, encodeRejoin } from '../../../shared/wire/offers.ts'
import { encodeFind } from '../../../shared/wire/presence.ts'
import type { ScriptedPeer } from './scripted-peer.ts'
import { START, userId, World } from './world.ts'

const NOISE = new Uint8Array(96)
/** The place of the peer while others ask for it. */
type Place = 'away' | 'here' | 'elsewhere'
type Prepare = (world: World, asker: ScriptedPeer, asked: ScriptedPeer) => void

const tunnel = (n: number) => `${'t'.repeat(24)}${'abcdefgh'[n]}a` as TunnelId

/** Returns the frames that arrive, and when, at a peer that asks for another in every way. */
function traceOf(place: Place, prepare: Prepare, then: Prepare = () => {}) {
  const world = new World(2)
  const [asker, asked] = [world.peer('s', 'sam', ['home']), world.peer('r', 'rae', ['home'])]
  const [here, elsewhere] = world.nodes as [World['nodes'][0], World['nodes'][0]]
  world.signIn(asker, here)
  world.signIn(asked, elsewhere)
  asked.status('away', { game: 'chess' })
  world.run(1000)
  asked.session!.goodbye('leaving')
  world.run(1000)
  prepare(world, asker, asked)
  if (place !== 'away') world.signIn(asked, place === 'here' ? here : elsewhere)
  then(world, asker, asked)
  world.run(START + 10_000 - world.now)
  const arrived: [at: number, bytes: number][] = []
  world.fate = (datagram, _, to) => {
    if (to.startsWith('198.51.100.1:')) arrived.push([world.now - START, datagram.length])
    return [10]
  }
  const told = asker.presences.length
  for (let round = 0; round < 3; round++) askInEveryWay(world, asker, asked, round)
  const { receipts, answers, rejoins, found, foundEnds } = asker
  return { arrived, receipts, answers, rejoins, found, foundEnds, news: asker.presences.slice(told) }
}

function askInEveryWay(world: World, asker: ScriptedPeer, asked: ScriptedPeer, round: number): void {
  const offer = encodeOffer({ tunnel: tunnel(round), peer: asked.id, noise: NOISE, expected: NOWHERE })
  const actions = [
    () => asker.say(asked, round + 1, 'are you there?', world.now),
    () => asker.send(FRAME.OFFER, offer),
    () => asker.send(FRAME.OFFER, offer),
    () => asker.send(FRAME.REJOIN, encodeRejoin({ tunnel: tunnel(round), peer: asked.id, leg: 0 })),
    ...[`user eq "${userId('rae')}"`, 'status eq "offline"', 'lastSeenAt gt 0'].map(
      (filter) => () => asker.send(FRAME.FIND, encodeFind({ request: round, limit: 10, filter })),
    ),
  ]
  for (const act of actions) {
    act()
    world.run(300)
    // The peer stays active, and nobody may notice.
    if (asked.session !== undefined && round > 0) asked.status(asked.firstStatus.status, { round }, 'busy')
    world.run(700)
  }
}

const is =
  (status: 'online' | 'invisible'): Prepare =>
  (_, __, asked) => {
    asked.firstStatus = { status, metadata: {} }
  }

const blocks =
  (by: 'peer' | 'user'): Prepare =>
  (world, { id }) => {
    world.write((tables) => tables.setBlocks(userId('rae'), [by === 'peer' ? id : userId('sam')]))
  }

const both =
  (...steps: readonly Prepare[]): Prepare =>
  (...all) => {
    for (const step of steps) step(...all)
  }

test.each<[string, Prepare, Prepare?]>([
  ['a blocked peer', blocks('peer')],
  ['a peer of a blocked user', blocks('user')],
  ['a peer that was blocked a moment ago', is('online'), blocks('peer')],
  ['a peer of a user that was blocked a moment ago', is('online'), blocks('user')],
  ['a blocked peer, if the other one is invisible,', both(blocks('peer'), is('invisible'))],
  ['a member, if the other one is invisible,', is('invisible')],
])('%s cannot tell one that is there from one that is away', (_, prepare, then) => {
  const away = traceOf('away', prepare, then)
  expect(away.receipts.map(({ outcome }) => outcome)).toEqual(['stored', 'stored', 'stored'])
  expect(away.answers.map(({ outcome }) => outcome)).toEqual(Array(6).fill('offline'))
  expect(away.found.length).toBeGreaterThan(2)
  for (const place of ['here', 'elsewhere'] as const) expect(traceOf(place, prepare, then)).toEqual(away)
})
