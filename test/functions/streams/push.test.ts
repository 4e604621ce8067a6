import { describe, expect, test } from 'vitest'
import { createPusher } from '../../../functions/streams/push.ts'
import type { Push } from '../../../shared/push.ts'
import { connectNode, startCloud } from '../cloud-under-test.ts'
import { newNode, newPeerId } from './world.ts'

const cloud = await startCloud()
const { connections } = cloud
const pushTo = createPusher(cloud.stream)
const push: Push = { kind: 'mail', peer: newPeerId() }
const HOUR = 3600_000

const stale = (connection: string, connectedAt: number) => ({
  connection,
  connectedAt,
  expiresAtSeconds: 9e9,
})

describe('a push', () => {
  test('reaches each node once', async () => {
    const ids = [newNode(), newNode()]
    const nodes = [await connectNode(cloud, ids[0]!), await connectNode(cloud, ids[1]!)]
    await pushTo(new Set([...ids, ...ids]), push)
    for (const node of nodes) expect(await node.pushes()).toEqual([push])
  })

  test('to a node that holds no connection is dropped', async () => {
    await expect(pushTo([newNode()], push)).resolves.toBeUndefined()
  })

  test('forgets a connection that is gone and takes the next', async () => {
    const id = newNode()
    const node = await connectNode(cloud, id)
    await connections.add({ ...stale('gone=', Date.now() + 60_000 - HOUR), node: id })
    const future = createPusher({ ...cloud.stream, now: () => Date.now() + HOUR })
    await connections.add({ ...stale('newest=', Date.now() + 60_000), node: id })
    await future([id], push)
    expect(await node.pushes()).toEqual([push])
    expect(await connections.get('newest=')).toBeUndefined()
  })

  test('fails, to come again, where the newest connection is only just being made', async () => {
    const id = newNode()
    await connections.add({ ...stale('handshaking=', Date.now()), node: id })
    await expect(pushTo([id], push)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await connections.get('handshaking=')).toBeDefined()
  })

  test('that fails at one node has reached the others', async () => {
    const [broken, sound] = [newNode(), newNode()]
    const node = await connectNode(cloud, sound)
    await connections.add({ ...stale('handshaking2=', Date.now()), node: broken })
    await expect(pushTo([broken, sound], push)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await node.pushes()).toEqual([push])
  })
})
