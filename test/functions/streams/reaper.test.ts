import { beforeEach, describe, expect, test } from 'vitest'
import type { PresenceItem } from '../../../shared/presence.ts'
import { createFleet } from '../../../shared/store/fleet.ts'
import { writeMany } from '../../../shared/store/write-many.ts'
import { startCloud } from '../cloud-under-test.ts'
import { type Command, inSeconds, lease, reaperUnderTest } from './reaper-under-test.ts'
import { directoryOf, join, newNetwork, newNode, presenceAt, putPresence } from './world.ts'

const cloud = await startCloud()
const fleet = createFleet(cloud.client)
const directory = directoryOf(cloud)
const { presenceOf, nodesOf, reap } = reaperUnderTest(cloud)
const putAll = (items: readonly PresenceItem[]) =>
  writeMany(
    cloud.client,
    'Presence',
    items.map((Item) => ({ PutRequest: { Item } })),
  )

describe('the reaper', () => {
  test('takes the peers of a dead node offline, but not those that went elsewhere', async () => {
    const [dead, alive, network] = [newNode(), newNode(), newNetwork()]
    const items = Array.from({ length: 40 }, () => presenceAt(dead, [network]))
    await putAll(items)
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
    await putAll(items)
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
    await putAll(items)
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
    const after = ({ input }: Command) => {
      if (input.TotalSegments !== undefined) scanned.push(input.TableName)
    }
    expect(await reap({ after })).toEqual({ reaped: 3 })
    expect(scanned).toEqual(['Presence', 'NetworkNodes'])
    expect(await reap({ after })).toEqual({ reaped: 0 })
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

/** No lease of an earlier test is ended. */
beforeEach(async () => {
  for (const { node } of await fleet.ended(inSeconds(60))) await fleet.leave(node)
})

describe('a node that comes back while the reaper clears it away', () => {
  test('keeps its peers, which have signed in again', async () => {
    const [node, network] = [newNode(), newNetwork()]
    const item = presenceAt(node, [network])
    await putPresence(cloud, item)
    await directory.ask({ kind: 'joinNetworks', networks: [network], node })
    await fleet.register(lease(node, inSeconds(-1)))
    const back = once(async () => {
      await fleet.register(lease(node))
      await directory.ask({ kind: 'joinNetworks', networks: [network], node })
      await putPresence(cloud, { ...item, since: item.since + 1 })
    })
    expect(await reap({ before: ({ input }) => back(input.TableName === 'Presence') })).toEqual({ reaped: 0 })
    expect(await presenceOf(item.peer)).toMatchObject({ node, status: 'online' })
    expect(await nodesOf(network, node)).toBeDefined()
    expect(await fleet.has(node)).toBe(true)
  })

  test.each([
    'UpdateCommand Presence',
    'DeleteCommand NetworkNodes',
  ])('keeps what it writes just before a %s', async (name) => {
    const [node, network] = [newNode(), newNetwork()]
    const item = presenceAt(node, [network])
    await putPresence(cloud, item)
    await directory.ask({ kind: 'joinNetworks', networks: [network], node })
    await fleet.register(lease(node, inSeconds(-1)))
    const back = once(async () => {
      await fleet.register(lease(node))
      await directory.ask({ kind: 'joinNetworks', networks: [network], node })
      await putPresence(cloud, { ...item, since: item.since + 1 })
    })
    let seen = false
    const before = (command: Command) => {
      const is = `${command.constructor.name} ${command.input.TableName}` === name
      seen ||= is
      return back(is)
    }
    expect(await reap({ before })).toEqual({ reaped: 0 })
    expect(seen).toBe(true)
    expect(await presenceOf(item.peer)).toMatchObject({ node, status: 'online' })
    expect(await nodesOf(network, node)).toBeDefined()
  })

  test('and ends again, is cleared away whole: what an earlier run cleared does not count', async () => {
    const node = newNode()
    const items = Array.from({ length: 60 }, () => presenceAt(node, []))
    await fleet.register(lease(node, inSeconds(-40)))
    const again = once(async () => {
      await fleet.register(lease(node, inSeconds(-1)))
      await putAll(items)
    })
    const late = ({ input }: Command) => again(input.TableName === 'NetworkNodes')
    expect(await reap({ part: 0, parts: 2, after: late })).toEqual({ reaped: 0 })
    expect(await reap({ part: 1, parts: 2 })).toEqual({ reaped: 0 })
    expect(await reap({ part: 0, parts: 2 })).toEqual({ reaped: 1 })
    for (const { peer } of items) expect(await presenceOf(peer)).not.toHaveProperty('node')
  })
})

describe('a table that one run cannot scan', () => {
  const others = async (count: number) => {
    const alive = newNode()
    await putAll(Array.from({ length: count }, () => presenceAt(alive, [])))
  }
  /** Pages of a few items, and time for this many pages a run. */
  const slowly = (pagesARun: number) => {
    let pages = 0
    return {
      before({ input }: Command) {
        if (input.TotalSegments === undefined) return
        Object.assign(input, { Limit: 10 })
        pages++
      },
      left: () => (pages < pagesARun ? 60_000 : 0),
      pages: () => pages,
    }
  }

  test('is scanned by several, each from where the one before stopped', async () => {
    await others(100)
    const dead = newNode()
    const items = Array.from({ length: 40 }, () => presenceAt(dead, []))
    await putAll(items)
    await fleet.register(lease(dead, inSeconds(-1)))
    let [reaped, pages] = [0, 0]
    for (let run = 0; run < 40 && reaped === 0; run++) {
      const slow = slowly(6)
      reaped = (await reap(slow)).reaped
      expect(slow.pages()).toBeLessThanOrEqual(7)
      pages += slow.pages()
    }
    expect(reaped).toBe(1)
    expect(pages).toBeGreaterThan(12)
    for (const { peer } of items) expect(await presenceOf(peer)).not.toHaveProperty('node')
  })

  test('is scanned whole for a node that died during the scan', async () => {
    await others(40)
    const [first, second] = [newNode(), newNode()]
    await putPresence(cloud, presenceAt(first, []))
    await fleet.register(lease(first, inSeconds(-1)))
    expect(await reap(slowly(2))).toEqual({ reaped: 0 })
    const items = Array.from({ length: 30 }, () => presenceAt(second, []))
    await putAll(items)
    await fleet.register(lease(second, inSeconds(-1)))
    expect(await reap()).toEqual({ reaped: 1 })
    expect(await reap()).toEqual({ reaped: 1 })
    for (const { peer } of items) expect(await presenceOf(peer)).not.toHaveProperty('node')
  })

  test('is not scanned again by the part that is done', async () => {
    const dead = newNode()
    await fleet.register(lease(dead, inSeconds(-1)))
    let scans = 0
    const after = ({ input }: Command) => {
      if (input.TotalSegments !== undefined) scans++
    }
    for (let i = 0; i < 3; i++) await reap({ part: 0, parts: 2, after })
    expect(scans).toBe(2)
    expect(await reap({ part: 1, parts: 2 })).toEqual({ reaped: 1 })
  })
})

/** Runs a step the first time that it is due. */
function once(step: () => Promise<unknown>): (isDue: boolean) => Promise<unknown> | undefined {
  let isDone = false
  return (isDue) => {
    if (isDone || !isDue) return undefined
    isDone = true
    return step()
  }
}
