import { GetCommand } from '@aws-sdk/lib-dynamodb'
import type { Context, ScheduledEvent } from 'aws-lambda'
import { describe, expect, test } from 'vitest'
import { createFleetReaction } from '../../../functions/streams/fleet.ts'
import { createReaper, type Share } from '../../../functions/streams/reaper.ts'
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

interface Run extends Share {
  readonly now?: () => number
  /** Returns the milliseconds left to the run. */
  readonly left?: () => number
}

const reap = ({ now = Date.now, left = () => 60_000, ...share }: Run = {}) =>
  createReaper({ ...cloud.streamOf('reaper'), now })(
    share as ScheduledEvent & Share,
    {
      getRemainingTimeInMillis: left,
    } as Context,
  )

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

describe('the reaper', () => {
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
    expect(await reap({ now: () => now })).toMatchObject({ reaped: 1 })
    expect(await presenceOf(moved.peer)).toMatchObject(moved)
    const left = await Promise.all(items.slice(1).map(({ peer }) => presenceOf(peer)))
    const { node: _, ...item } = items[1]!
    const offline = { status: 'offline', custom: '', metadata: {}, version: 2, lastSeenAt: now }
    expect(left[0]).toEqual({ ...item, ...offline })
    expect(left.every((one) => one?.status === 'offline' && one.node === undefined)).toBe(true)
    expect([await nodesOf(network, dead), await nodesOf(network, alive)]).toEqual([
      undefined,
      expect.objectContaining({ network, node: alive }),
    ])
    expect([await fleet.has(dead), await fleet.has(alive)]).toEqual([false, true])
  })

  test('finishes what an interrupted run began', async () => {
    const dead = newNode()
    const item = presenceAt(dead, [])
    await putPresence(cloud, item)
    await fleet.register(lease(dead, inSeconds(-1)))
    const interrupted = (): number => {
      throw new Error('interrupted')
    }
    await expect(reap({ now: interrupted })).rejects.toThrow('interrupted')
    expect(await fleet.has(dead)).toBe(true)
    await reap()
    expect(await fleet.has(dead)).toBe(false)
    expect(await presenceOf(item.peer)).toMatchObject({ status: 'offline' })
  })

  test('goes on where a run ended that had no time left', async () => {
    const dead = newNode()
    const items = Array.from({ length: 60 }, () => presenceAt(dead, []))
    for (const item of items) await putPresence(cloud, item)
    await fleet.register(lease(dead, inSeconds(-1)))
    let asked = 0
    expect(await reap({ left: () => (asked++ < 6 ? 60_000 : 0) })).toEqual({ reaped: 0 })
    const online = async () =>
      (await Promise.all(items.map(({ peer }) => presenceOf(peer)))).filter((one) => one?.node === dead)
        .length
    const left = await online()
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThan(60)
    expect(await fleet.has(dead)).toBe(true)
    expect(await reap()).toEqual({ reaped: 1 })
    expect(await online()).toBe(0)
    expect(await fleet.has(dead)).toBe(false)
  })

  test('is several runs at the same time, each with its part, and the last one ends the lease', async () => {
    const dead = newNode()
    const items = Array.from({ length: 60 }, () => presenceAt(dead, []))
    for (const item of items) await putPresence(cloud, item)
    await fleet.register(lease(dead, inSeconds(-1)))
    const parts = 4
    for (const part of [0, 1, 2]) expect(await reap({ part, parts })).toEqual({ reaped: 0 })
    expect(await reap({ part: 3, parts })).toEqual({ reaped: 1 })
    for (const { peer } of items) expect(await presenceOf(peer)).not.toHaveProperty('node')
  })

  test('scans the tables once for all nodes that died, and not at all if none did', async () => {
    const dead = [newNode(), newNode(), newNode()]
    for (const node of dead) {
      await putPresence(cloud, presenceAt(node, []))
      await fleet.register(lease(node, inSeconds(-1)))
    }
    const scanned: (string | undefined)[] = []
    const { client, now } = cloud.streamOf('reaper')
    const send = (command: { input: { TableName?: string; TotalSegments?: number } }) => {
      if (command.input.TotalSegments !== undefined) scanned.push(command.input.TableName)
      return client.send(command as never)
    }
    const watched = Object.create(client, { send: { value: send } })
    const run = createReaper({ client: watched, now })
    const context = { getRemainingTimeInMillis: () => 60_000 } as Context
    expect(await run({} as ScheduledEvent & Share, context)).toEqual({ reaped: 3 })
    expect(scanned).toEqual(['Presence', 'NetworkNodes'])
    expect(await run({} as ScheduledEvent & Share, context)).toEqual({ reaped: 0 })
    expect(scanned).toHaveLength(2)
  })

  test('lets leases be that stand', async () => {
    const node = newNode()
    const item = presenceAt(node, [])
    await putPresence(cloud, item)
    await fleet.register(lease(node))
    await reap()
    expect(await presenceOf(item.peer)).toMatchObject(item)
    expect(await fleet.has(node)).toBe(true)
  })
})
