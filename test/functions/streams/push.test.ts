import { describe, expect, test } from 'vitest'
import type { Told } from '../../../functions/streams/changes.ts'
import { createPusher } from '../../../functions/streams/push.ts'
import type { NodeId } from '../../../shared/ids.ts'
import type { Push } from '../../../shared/push.ts'
import { connectNode, startCloud } from '../cloud-under-test.ts'
import { type Behaviour, startPosts } from './posts-under-test.ts'
import { newNode, newPeerId } from './world.ts'

const cloud = await startCloud()
const { connections } = cloud
const pushTo = createPusher(cloud.streamOf('presence'))
const push: Push = { kind: 'mail', peer: newPeerId() }
const HOUR = 3600_000
const DONE = { delivered: 1, error: undefined }

const stale = (connection: string, connectedAt: number) => ({
  connection,
  connectedAt,
  expiresAtSeconds: 9e9,
})

/** Returns one record with one push. */
const batch = (...nodes: NodeId[]): Told[][] => [[{ nodes, push }]]

/** Starts nodes with one connection each, named like the node and made an hour ago. */
async function nodesThat(behaviours: readonly Behaviour[]) {
  const ids = behaviours.map(newNode)
  const posts = await startPosts(Object.fromEntries(ids.map((id, i) => [id, behaviours[i]!])))
  for (const id of ids) await connections.add({ ...stale(id, Date.now() - HOUR), node: id })
  return { ids, posts, pushTo: createPusher({ ...cloud.streamOf('presence'), management: posts.management }) }
}

describe('a push', () => {
  test('reaches each node once', async () => {
    const ids = [newNode(), newNode()]
    const nodes = [await connectNode(cloud, ids[0]!), await connectNode(cloud, ids[1]!)]
    expect(await pushTo(batch(...ids, ...ids))).toEqual(DONE)
    for (const node of nodes) expect(await node.pushes()).toEqual([push])
  })

  test('to a node that holds no connection is dropped', async () => {
    expect(await pushTo(batch(newNode()))).toEqual(DONE)
  })

  test('forgets a connection that is gone and takes the next', async () => {
    const id = newNode()
    const node = await connectNode(cloud, id)
    const future = createPusher({ ...cloud.streamOf('presence'), now: () => Date.now() + HOUR })
    await connections.add({ ...stale('newest=', Date.now() + 60_000), node: id })
    expect(await future(batch(id))).toEqual(DONE)
    expect(await node.pushes()).toEqual([push])
    expect(await connections.get('newest=')).toBeUndefined()
  })

  test('goes to the connection that a node still has while it makes its next one', async () => {
    const id = newNode()
    const node = await connectNode(cloud, id)
    await connections.add({ ...stale('handshaking0=', Date.now() + 1000), node: id })
    expect(await pushTo(batch(id))).toEqual(DONE)
    await connections.remove('handshaking0=')
    expect(await node.pushes()).toEqual([push])
  })

  test('leaves a first connection alone that is only just being made: its node reads when it is open', async () => {
    const id = newNode()
    await connections.add({ ...stale('handshaking=', Date.now()), node: id })
    expect(await pushTo(batch(id))).toEqual(DONE)
    expect(await connections.get('handshaking=')).toBeDefined()
  })

  test('goes to the connection in use while its successor is only just being made', async () => {
    const id = newNode()
    const node = await connectNode(cloud, id)
    await connections.add({ ...stale('successor=', Date.now() + 5_000), node: id })
    expect(await pushTo(batch(id))).toEqual(DONE)
    expect(await connections.get('successor=')).toBeDefined()
    await connections.remove('successor=')
    expect(await node.pushes()).toEqual([push])
  })

  test('comes again if one connection has just gone and its successor is not open yet', async () => {
    const { ids, pushTo } = await nodesThat(['is gone'])
    const cloudy = createPusher(cloud.streamOf('presence'))
    await connections.add({ ...stale('next=', Date.now()), node: ids[0]! })
    expect(await cloudy(batch(ids[0]!))).toMatchObject({ delivered: 0, error: { code: 'unavailable' } })
    expect(await pushTo(batch(newNode()))).toEqual(DONE)
  })
})

describe('a batch', () => {
  const pushes = Array.from({ length: 100 }, (): Push => ({ kind: 'mail', peer: newPeerId() }))

  test('is one post a node, in the order of its records', async () => {
    const { ids, posts, pushTo } = await nodesThat(['takes', 'takes', 'takes'])
    expect(await pushTo(pushes.map((push) => [{ nodes: ids, push }]))).toMatchObject({ delivered: 100 })
    expect(posts.count).toBe(3)
    for (const id of ids) expect(posts.to(id)).toEqual([pushes])
  })

  test('is several posts only where it exceeds what is charged as one message', async () => {
    const { ids, posts, pushTo } = await nodesThat(['takes'])
    const long = pushes.map(
      (_, i): Push => ({
        kind: 'metadata',
        entity: 'user',
        id: `u_${i}`,
        networks: [],
        value: 'x'.repeat(800),
      }),
    )
    await pushTo(long.map((push) => [{ nodes: ids, push }]))
    const taken = posts.to(ids[0]!)
    expect(taken.flat()).toEqual(long)
    expect(taken).toHaveLength(3)
    for (const post of taken) expect(Buffer.byteLength(JSON.stringify(post))).toBeLessThanOrEqual(32 * 1024)
  })

  test('reaches all other nodes although one hangs or fails, whose connection is ended', async () => {
    const { ids, posts, pushTo } = await nodesThat(['hangs', 'takes', 'fails', 'takes'])
    const going = pushTo(pushes.map((push) => [{ nodes: ids, push }]))
    await expect.poll(() => posts.count, { interval: 5, timeout: 900 }).toBe(2)
    expect(await going).toMatchObject({ delivered: 100, error: undefined })
    expect([...posts.ended].sort()).toEqual([ids[0], ids[2]].sort())
    for (const id of [ids[0]!, ids[2]!]) expect(await connections.ofNode(id)).toEqual([])
    await pushTo(pushes.map((push) => [{ nodes: ids, push }]))
    expect(posts.count).toBe(4)
  })

  test('comes again from the first record of a node whose posts are throttled', async () => {
    const { ids, posts, pushTo } = await nodesThat(['takes', 'throttles'])
    const told = pushes.map((push, i): Told[] => [{ nodes: i < 40 ? [ids[0]!] : ids, push }])
    expect(await pushTo(told)).toMatchObject({ delivered: 40, error: { code: 'unavailable' } })
    expect(posts.to(ids[0]!)).toEqual([pushes])
  })
})
