/** Bounds on the state that a node keeps while its tables are unreachable, or permanently. */
import { expect, test } from 'vitest'
import { Asks } from '../../../shared/core/checkpoint/asks.ts'
import { noCounters } from '../../../shared/core/checkpoint/counters.ts'
import { Locator } from '../../../shared/core/checkpoint/locator.ts'
import { newPeerSession } from '../../../shared/core/checkpoint/peer-session.ts'
import { Roster } from '../../../shared/core/checkpoint/roster.ts'
import { Standings } from '../../../shared/core/checkpoint/standings.ts'
import { Session } from '../../../shared/core/session/session.ts'
import { Channel } from '../../../shared/crypto/channel.ts'
import type { DirectoryReply, Located } from '../../../shared/directory.ts'
import type { NodeId, PeerId } from '../../../shared/ids.ts'
import { userId, World } from './world.ts'

const [HERE, ELSEWHERE] = ['node_aaaaaaaa', 'node_bbbbbbbb'] as [NodeId, NodeId]
const peerId = (n: number) => `p${n}` as PeerId

function session() {
  const key = new Uint8Array(32)
  const channel = new Channel({ send: key, receive: key })
  const address = new Uint32Array(5)
  const known = { peer: peerId(0), user: userId('ann'), since: 1, ticketEndsAt: 1e6, intervalMs: 1000 }
  return newPeerSession(0, new Session({ index: 0, remoteIndex: 0, channel, address, now: 0 }), known)
}

/** Answers all pending requests. */
function answerAll(asks: Asks, reply: DirectoryReply, now: number): void {
  asks.flush(now)
  for (let asked = asks.poll(); asked !== undefined; asked = asks.poll()) asks.resolve(asked.id, reply, now)
}

test('of what others want of a peer whose standing is not known a part is kept, and all that itself waits for', () => {
  const [asks, roster] = [new Asks(noCounters()), new Roster()]
  const standings = new Standings({ asks, roster, onRead: () => {} })
  const here = session()
  here.stage = 'online'
  here.reading = standings.reading(0)
  roster.add(here)
  standings.back(1)
  const done = { others: 0, own: 0 }
  for (let i = 0; i < 5000; i++) standings.ensureForOthers(here, () => done.others++, 2)
  for (let i = 0; i < 10; i++) standings.ensure(here, () => done.own++, 2)
  standings.flush(3)
  answerAll(asks, { kind: 'standings', standings: [{ networks: [], blocks: 0 }] }, 4)
  expect(done).toEqual({ others: 1000, own: 10 })
})

test('of peers that have gone nothing is remembered', () => {
  const asks = new Asks(noCounters())
  const locator = new Locator(HERE, asks)
  const find = (n: number, node: NodeId | undefined, now: number) => {
    const user = userId(`u${'abcdefghij'[n]}`)
    const place = node === undefined ? {} : { node }
    const located: Located = {
      ...{ peer: peerId(n), user, since: 1, status: 'online', networks: [], blocks: 0, hidden: false },
      ...place,
    }
    locator.locate(peerId(n), { peer: peerId(99) }, () => {}, now)
    answerAll(asks, { kind: 'locate', located }, now)
  }
  for (let n = 0; n < 10; n++) find(n, ELSEWHERE, 0)
  expect(locator.kept).toEqual({ peers: 10, users: 10 })
  for (let n = 0; n < 10; n++) find(n, undefined, 20_000)
  expect(locator.kept).toEqual({ peers: 0, users: 0 })
})

test('a gateway that comes and goes while the tables are away leaves one reading of paths', () => {
  const world = new World()
  const [node] = world.nodes as [World['nodes'][0]]
  world.signIn(world.peer('a', 'ann', ['home']))
  world.failing.add('paths')
  for (let i = 0; i < 20; i++) {
    world.cutOff(node)
    world.connect(node)
    world.run(100)
  }
  world.asked.length = 0
  world.run(10_000)
  expect(world.asked.filter((kind) => kind === 'paths').length).toBeLessThanOrEqual(10)
})
