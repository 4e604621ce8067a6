import { describe, expect, test } from 'vitest'
import { createFleetReaction } from '../../../functions/streams/fleet.ts'
import { createFleet } from '../../../shared/store/fleet.ts'
import { connectNode, react, startCloud } from '../cloud-under-test.ts'
import { inSeconds, lease, reaperUnderTest } from './reaper-under-test.ts'
import { join, newNetwork, newNode, presenceAt, putPresence } from './world.ts'

const cloud = await startCloud()
const fleet = createFleet(cloud.client)
const { presenceOf, nodesOf, reap } = reaperUnderTest(cloud)

describe('the fleet', () => {
  test('hears of a node that is new, drains, and is gone; not of renewals', async () => {
    const observer = await connectNode(cloud, newNode())
    const streams = await react(cloud, 'Fleet', createFleetReaction(cloud.streamOf('fleet')))
    const item = lease(newNode())
    await fleet.register(item)
    await fleet.renew({ ...item, load: 0.7, expiresAtSeconds: inSeconds(60) }, inSeconds(0))
    const draining = { ...item, load: 0.7, draining: true, expiresAtSeconds: inSeconds(90) }
    await fleet.renew(draining, inSeconds(0))
    await fleet.leave(item.node)
    await streams.drain()
    expect(await observer.pushes()).toEqual([
      { kind: 'fleet', item },
      { kind: 'fleet', item: draining },
      { kind: 'fleet', item: { ...draining, expiresAtSeconds: 0 } },
    ])
  })

  test('leaves what a node left behind to the reaper', async () => {
    const [node, network] = [newNode(), newNetwork()]
    const item = presenceAt(node, [network])
    await fleet.register(lease(node))
    await putPresence(cloud, item)
    await join(cloud, network, node)
    const streams = await react(cloud, 'Fleet', createFleetReaction(cloud.streamOf('fleet')))
    await fleet.leave(node)
    await streams.drain()
    await reap()
    await streams.drain()
    expect(await presenceOf(item.peer)).toMatchObject({ status: 'offline', version: 2 })
    expect(await presenceOf(item.peer)).not.toHaveProperty('node')
    expect(await nodesOf(network, node)).toBeUndefined()
    expect(await fleet.has(node)).toBe(false)
  })

  test('leaves a node alone that came back meanwhile', async () => {
    const node = newNode()
    const item = presenceAt(node, [])
    await fleet.register(lease(node))
    await putPresence(cloud, item)
    const streams = await react(cloud, 'Fleet', createFleetReaction(cloud.streamOf('fleet')))
    await fleet.leave(node)
    await fleet.register(lease(node))
    await streams.drain()
    expect(await presenceOf(item.peer)).toMatchObject({ node, status: 'online' })
  })
})
