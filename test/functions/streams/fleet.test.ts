import { GetCommand } from '@aws-sdk/lib-dynamodb'
import type { Context, ScheduledEvent } from 'aws-lambda'
import { describe, expect, test } from 'vitest'
import { createFleetReaction } from '../../../functions/streams/fleet.ts'
import { createReaper } from '../../../functions/streams/reaper.ts'
import type { FleetItem } from '../../../shared/directory.ts'
import type { NodeId } from '../../../shared/ids.ts'
import { createFleet } from '../../../shared/store/fleet.ts'
import { connectNode, react, startCloud } from '../cloud-under-test.ts'
import { join, newNetwork, newNode, presenceAt, putPresence } from './world.ts'

const cloud = await startCloud()
const fleet = createFleet(cloud.client)
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds

const lease = (node: NodeId, expiresAtSeconds = inSeconds(30)): FleetItem => ({
  node,
  roles: ['checkpoint'],
  publicKey: 'k',
  addresses: { checkpoint: ['127.0.0.1:5100'] },
  load: 0,
  draining: false,
  startedAt: 1,
  expiresAtSeconds,
})

const presenceOf = async (peer: string) =>
  (await cloud.client.send(new GetCommand({ TableName: 'Presence', Key: { peer } }))).Item

const nodesOf = async (network: string, node: NodeId) =>
  (await cloud.client.send(new GetCommand({ TableName: 'NetworkNodes', Key: { network, node } }))).Item

describe('the fleet', () => {
  test('hears of a node that is new, drains, and is gone; not of renewals', async () => {
    const observer = await connectNode(cloud, newNode())
    const streams = await react(cloud, 'Fleet', createFleetReaction(cloud.stream))
    const item = lease(newNode())
    await fleet.register(item)
    await fleet.renew({ ...item, load: 0.7, expiresAtSeconds: inSeconds(60) })
    const draining = { ...item, load: 0.7, draining: true, expiresAtSeconds: inSeconds(90) }
    await fleet.renew(draining)
    await fleet.leave(item.node)
    await streams.drain()
    expect(await observer.pushes()).toEqual([
      { kind: 'fleet', item },
      { kind: 'fleet', item: draining },
      { kind: 'fleet', item: { ...draining, expiresAtSeconds: 0 } },
    ])
  })

  test('clears away what a node leaves behind', async () => {
    const [node, network] = [newNode(), newNetwork()]
    const item = presenceAt(node, [network])
    await fleet.register(lease(node))
    await putPresence(cloud, item)
    await join(cloud, network, node)
    const streams = await react(cloud, 'Fleet', createFleetReaction(cloud.stream))
    await fleet.leave(node)
    await streams.drain()
    expect(await presenceOf(item.peer)).toMatchObject({ status: 'offline', version: 2 })
    expect(await presenceOf(item.peer)).not.toHaveProperty('node')
    expect(await nodesOf(network, node)).toBeUndefined()
  })

  test('leaves a node alone that came back meanwhile', async () => {
    const node = newNode()
    const item = presenceAt(node, [])
    await fleet.register(lease(node))
    await putPresence(cloud, item)
    const streams = await react(cloud, 'Fleet', createFleetReaction(cloud.stream))
    await fleet.leave(node)
    await fleet.register(lease(node))
    await streams.drain()
    expect(await presenceOf(item.peer)).toMatchObject({ node, status: 'online' })
  })
})

describe('the reaper', () => {
  const reap = (now: () => number = Date.now) =>
    createReaper({ ...cloud.stream, now })({} as ScheduledEvent, {} as Context)

  test('takes the peers of a dead node offline, but not those that went elsewhere', async () => {
    const [dead, alive, network] = [newNode(), newNode(), newNetwork()]
    const items = Array.from({ length: 40 }, () => presenceAt(dead, [network]))
    for (const item of items) await putPresence(cloud, item)
    const moved = { ...items[0]!, node: alive, since: 2_000 }
    await putPresence(cloud, moved)
    await join(cloud, network, dead, alive)
    await fleet.register(lease(dead, inSeconds(-1)))
    await fleet.register(lease(alive))
    const now = Date.now()
    expect(await reap(() => now)).toMatchObject({ reaped: 1 })
    expect(await presenceOf(moved.peer)).toEqual(moved)
    const left = await Promise.all(items.slice(1).map(({ peer }) => presenceOf(peer)))
    const { node: _, ...item } = items[1]!
    const offline = { status: 'offline', custom: '', metadata: {}, version: 2, lastSeenAt: now }
    expect(left[0]).toEqual({ ...item, ...offline })
    expect(left.every((one) => one?.status === 'offline' && one.node === undefined)).toBe(true)
    expect([await nodesOf(network, dead), await nodesOf(network, alive)]).toEqual([
      undefined,
      { network, node: alive },
    ])
    expect([await fleet.has(dead), await fleet.has(alive)]).toEqual([false, true])
  })

  test('finishes what an interrupted run began', async () => {
    const dead = newNode()
    const item = presenceAt(dead, [])
    await putPresence(cloud, item)
    await fleet.register(lease(dead, inSeconds(-1)))
    const broken = {
      ...cloud.stream,
      now: (): number => {
        throw new Error('interrupted')
      },
    }
    await expect(createReaper(broken)({} as ScheduledEvent, {} as Context)).rejects.toThrow('interrupted')
    expect(await fleet.has(dead)).toBe(true)
    await reap()
    expect(await fleet.has(dead)).toBe(false)
    expect(await presenceOf(item.peer)).toMatchObject({ status: 'offline' })
  })

  test('lets leases be that stand', async () => {
    const node = newNode()
    const item = presenceAt(node, [])
    await putPresence(cloud, item)
    await fleet.register(lease(node))
    await reap()
    expect(await presenceOf(item.peer)).toEqual(item)
    expect(await fleet.has(node)).toBe(true)
  })
})
