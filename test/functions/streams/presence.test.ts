import { DeleteCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, test } from 'vitest'
import { createPresence } from '../../../functions/streams/presence.ts'
import { asSeenByOthers } from '../../../shared/presence.ts'
import { connectNode, react, startCloud } from '../cloud-under-test.ts'
import { directoryOf, join, newNetwork, newNode, presenceAt, putPresence } from './world.ts'

const cloud = await startCloud()
const directory = directoryOf(cloud)

/** Two networks: `shared` has members at both nodes, `other` at the second only. */
async function setting() {
  const [shared, other] = [newNetwork(), newNetwork()]
  const [here, there] = [newNode(), newNode()]
  await join(cloud, shared, here, there)
  await join(cloud, other, there)
  const [nodeHere, nodeThere] = [await connectNode(cloud, here), await connectNode(cloud, there)]
  const streams = await react(cloud, 'Presence', createPresence(cloud.streamOf('presence')))
  return { shared, other, here, there, nodeHere, nodeThere, streams }
}

describe('a change of presence', () => {
  test('is pushed once to every node with members of the networks', async () => {
    const { shared, other, here, nodeHere, nodeThere, streams } = await setting()
    const item = presenceAt(here, [shared, other])
    await putPresence(cloud, item)
    await streams.drain()
    const push = { kind: 'presence', record: asSeenByOthers(item), networks: [shared, other] }
    expect(await nodeHere.pushes()).toEqual([push])
    expect(await nodeThere.pushes()).toEqual([push])
  })

  test('is not pushed to nodes without members', async () => {
    const { other, there, nodeHere, nodeThere, streams } = await setting()
    await putPresence(cloud, presenceAt(there, [other]))
    await streams.drain()
    expect(await nodeHere.pushes()).toEqual([])
    expect(await nodeThere.pushes()).toHaveLength(1)
  })

  test('comes in the order it happened in', async () => {
    const { shared, here, nodeThere, streams } = await setting()
    const item = presenceAt(here, [shared])
    await putPresence(cloud, item)
    for (const [i, custom] of ['a', 'b', 'c'].entries()) {
      await directory.ask({ kind: 'update', item: { ...item, custom, version: i + 2 } })
    }
    await directory.ask({
      kind: 'signOut',
      peer: item.peer,
      node: here,
      since: item.since,
      lastSeenAt: 2_000,
    })
    await streams.drain()
    const records = (await nodeThere.pushes()).map((push) => push.kind === 'presence' && push.record)
    expect(records).toMatchObject([
      { custom: '', version: 1 },
      { custom: 'a', version: 2 },
      { custom: 'b', version: 3 },
      { custom: 'c', version: 4 },
      { custom: '', version: 5, status: 'offline', metadata: {}, lastSeenAt: 2_000 },
    ])
  })

  test('that others cannot see is not pushed: being seen again, a move, a newer session', async () => {
    const { shared, here, there, nodeHere, streams } = await setting()
    const item = presenceAt(here, [shared])
    await putPresence(cloud, item)
    await streams.drain()
    await nodeHere.pushes()
    await directory.ask({ kind: 'update', item: { ...item, version: 2, lastSeenAt: 9_000 } })
    const metadata = { rank: 3, map: 'dust' }
    await putPresence(cloud, { ...item, metadata, node: there, since: 5_000, version: 1 })
    await streams.drain()
    expect(await nodeHere.pushes()).toEqual([])
  })

  test('to invisible looks like leaving, and nothing that an invisible peer does is told', async () => {
    const { shared, here, nodeThere, streams } = await setting()
    const item = presenceAt(here, [shared])
    const invisible = { ...item, status: 'invisible', version: 2 } as const
    await putPresence(cloud, item)
    await directory.ask({ kind: 'update', item: invisible })
    await directory.ask({
      kind: 'update',
      item: { ...invisible, custom: 'secret', metadata: { at: 'home' }, version: 3 },
    })
    await directory.ask({
      kind: 'signOut',
      peer: item.peer,
      node: here,
      since: item.since,
      lastSeenAt: 9_000,
    })
    await putPresence(cloud, { ...invisible, since: 10_000, version: 1 })
    await streams.drain()
    const [came, left, ...more] = await nodeThere.pushes()
    expect(came).toMatchObject({ record: { status: 'online' } })
    expect(left).toMatchObject({
      record: { status: 'offline', custom: '', metadata: {}, version: 2, lastSeenAt: 1_000 },
    })
    expect(more).toEqual([])
  })

  test('of networks is told to those it is new to, and a change of status also to those it left', async () => {
    const { shared, other, here, nodeHere, nodeThere, streams } = await setting()
    const item = presenceAt(here, [shared])
    await putPresence(cloud, item)
    await streams.drain()
    await Promise.all([nodeHere.pushes(), nodeThere.pushes()])
    await directory.ask({ kind: 'update', item: { ...item, networks: [shared, other], version: 2 } })
    await streams.drain()
    expect(await nodeHere.pushes()).toEqual([])
    expect(await nodeThere.pushes()).toMatchObject([{ networks: [other], record: { version: 2 } }])
    await directory.ask({ kind: 'update', item: { ...item, networks: [other], status: 'busy', version: 3 } })
    await streams.drain()
    expect(await nodeHere.pushes()).toMatchObject([{ networks: [shared, other], record: { status: 'busy' } }])
  })
})

test('a peer that was erased is offline, and the node where it still was ends its session', async () => {
  const { shared, here, nodeHere, nodeThere, streams } = await setting()
  const item = presenceAt(here, [shared])
  await putPresence(cloud, item)
  await streams.drain()
  await Promise.all([nodeHere.pushes(), nodeThere.pushes()])
  await cloud.client.send(new DeleteCommand({ TableName: 'Presence', Key: { peer: item.peer } }))
  await streams.drain()
  const offline = {
    kind: 'presence',
    record: { peer: item.peer, status: 'offline', version: 2 },
    networks: [shared],
  }
  expect(await nodeHere.pushes()).toMatchObject([{ kind: 'revoked', peer: item.peer }, offline])
  expect(await nodeThere.pushes()).toMatchObject([offline])
})
