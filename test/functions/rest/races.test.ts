import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createJobRunner } from '../../../functions/jobs/index.ts'
import type { NetworkId } from '../../../shared/ids.ts'
import { createMemberships } from '../../../shared/store/memberships.ts'
import { asFunction } from '../permitted.ts'
import { type IndexUnderTest, startIndex } from './index-under-test.ts'
import { type Interruptions, interrupt, meanwhile } from './interrupted-client.ts'
import { brokenInvariants } from './invariants.ts'
import { newDevice } from './society.ts'

let index: IndexUnderTest
let interruptions: Interruptions

beforeAll(async () => {
  index = await startIndex({}, { indexed: false })
  interruptions = interrupt(index.client)
})
afterEach(() => {
  interruptions.beforeWrite = undefined
})
afterAll(() => index.close())

const memberDoor = (network: string, user: string) => `/v1/networks/${network}/members/${user}`

type Case = [name: string, request: (network: string, user: string) => [door: string, body?: object]]

async function finishJobs(): Promise<void> {
  index.pass(60_000)
  await createJobRunner({ client: asFunction(index.client, 'jobs'), now: index.now })(
    {} as never,
    {} as never,
  )
}

test('an admin does not demote whoever became an owner after the admin was judged', async () => {
  const network = await index.network()
  await index.member({ [network]: 'owner' })
  const admin = await index.member({ [network]: 'admin' })
  const other = await index.member({ [network]: 'member' })
  meanwhile(interruptions, () =>
    createMemberships(index.client).put({ network, user: other.user, role: 'owner' }, index.now()),
  )
  const door = memberDoor(network, other.user)
  const answer = await index.call(`PUT ${door}`, { as: admin.ticket, body: { role: 'guest' } })
  expect(answer.status).toBe(403)
  expect((await index.call(`GET ${door}`, { as: index.admin })).body.role).toBe('owner')
})

test('nobody joins an open network that was closed after the read', async () => {
  const network = await index.network()
  const edit = (joining: string) =>
    index.call(`PATCH /v1/networks/${network}`, { as: index.admin, body: { joining } })
  await edit('open')
  const [ann, ben] = [await index.member({}), await index.member({})]
  const joins = (who: typeof ann) =>
    index.call(`PUT ${memberDoor(network, who.user)}`, { as: who.ticket, body: {} })
  meanwhile(interruptions, () => edit('approval'))
  expect((await joins(ann)).body.state).toBe('requested')
  meanwhile(interruptions, () => edit('invite'))
  expect((await joins(ben)).status).toBe(404)
})

test('nobody accepts an invitation of an admin who was demoted after the read', async () => {
  const [network, common] = [await index.network(), await index.network()]
  const admin = await index.member({ [network]: 'admin', [common]: 'guest' })
  const ann = await index.member({ [common]: 'guest' })
  const door = memberDoor(network, ann.user)
  await index.call(`PUT ${door}`, { as: admin.ticket, body: {} })
  meanwhile(interruptions, () =>
    createMemberships(index.client).put({ network, user: admin.user, role: 'member' }, index.now()),
  )
  expect((await index.call(`PUT ${door}`, { as: ann.ticket, body: {} })).status).toBe(410)
  expect((await index.call(`GET ${door}`, { as: index.admin })).body.state).toBe('invited')
})

test('an admin does not remove whoever became an owner after the admin was judged', async () => {
  const network = await index.network()
  await index.member({ [network]: 'owner' })
  const admin = await index.member({ [network]: 'admin' })
  const other = await index.member({ [network]: 'member' })
  meanwhile(interruptions, () =>
    createMemberships(index.client).put({ network, user: other.user, role: 'owner' }, index.now()),
  )
  const door = memberDoor(network, other.user)
  expect((await index.call(`DELETE ${door}`, { as: admin.ticket })).status).toBe(403)
  expect((await index.call(`GET ${door}`, { as: index.admin })).body.state).toBe('active')
})

test.each([
  ['edits its network', (network: string) => [`PATCH /v1/networks/${network}`, { name: 'mine' }]],
  ['makes an invite', (network: string) => [`POST /v1/networks/${network}/invites`, { role: 'admin' }]],
  ['deletes its network', (network: string) => [`DELETE /v1/networks/${network}`]],
  ['makes an object', (network: string) => [`PUT /v1/objects/races/o?network=${network}`, { value: {} }]],
] satisfies Case[])('whoever loses its membership before the write no longer %s', async (_, request) => {
  const network = await index.network()
  const owner = await index.member({ [network]: 'owner' })
  const [door, body] = request(network)
  meanwhile(interruptions, () =>
    createMemberships(index.client).remove(network, owner.user, { lastOwnerToo: true }),
  )
  expect([403, 404]).toContain((await index.call(door, { as: owner.ticket, body })).status)
  expect(await index.call(`GET /v1/networks/${network}`, { as: index.admin })).toMatchObject({
    status: 200,
    body: { name: 'network' },
  })
  expect((await index.call(`GET /v1/objects/races/o?network=${network}`, { as: index.admin })).status).toBe(
    404,
  )
})

test.each([
  ['a slow PUT', (network: string) => [`PUT /v1/objects/slow/o?network=${network}`, { value: {} }]],
  ['a slow invite', (network: string) => [`POST /v1/networks/${network}/invites`, {}]],
  ['a slow PUT of a member', (network: string, user: string) => [`PUT ${memberDoor(network, user)}`, {}]],
] satisfies Case[])('%s leaves nothing in a network that was deleted meanwhile', async (_, request) => {
  const network = await index.network()
  const { user } = await index.member({})
  const [door, body] = request(network, user)
  meanwhile(interruptions, async () => {
    expect((await index.call(`DELETE /v1/networks/${network}`, { as: index.admin })).status).toBe(202)
  })
  expect((await index.call(door, { as: index.admin, body })).status).toBe(404)
  await finishJobs()
  expect(await brokenInvariants(index.client)).toEqual([])
})

test('the last owner of a network that is deleted meanwhile is told that it is gone, not that an owner stays', async () => {
  const network = await index.network()
  const { user } = await index.member({ [network]: 'owner' })
  meanwhile(interruptions, () => index.call(`DELETE /v1/networks/${network}`, { as: index.admin }))
  const door = `PUT ${memberDoor(network, user)}`
  expect((await index.call(door, { as: index.admin, body: { role: 'admin' } })).status).toBe(404)
})

test.each([
  'PUT',
  'DELETE',
])('%s of a block of a user that is deleted meanwhile is answered 404, however many it has', async (method) => {
  const [ann, ben] = [await index.member({}), await index.member({})]
  const door = `/v1/users/${ann.user}/blocks/${ben.user}`
  if (method === 'DELETE') await index.call(`PUT ${door}`, { as: index.admin })
  meanwhile(interruptions, () => index.call(`DELETE /v1/users/${ann.user}`, { as: ann.ticket }))
  expect((await index.call(`${method} ${door}`, { as: index.admin })).status).toBe(404)
})

test('DELETE with If-Match fails when the thing was edited between the look and the deletion', async () => {
  const network = await index.network()
  const { ticket: as } = await index.member({ [network]: 'owner' })
  const door = `/v1/objects/races/edited?network=${network}`
  await index.call(`PUT ${door}`, { as, body: { value: { n: 1 } } })
  const doors = [door, `/v1/networks/${network}`]
  for (const each of doors) {
    const body = each === door ? { value: { n: 2 } } : { name: 'edited' }
    meanwhile(interruptions, () => index.call(`PATCH ${each}`, { as, body }))
    const answer = await index.call(`DELETE ${each}`, { as, headers: { 'If-Match': '"1"' } })
    expect(answer, each).toMatchObject({ status: 412, body: { code: 'precondition-failed' } })
    expect((await index.call(`GET ${each}`, { as })).status, each).toBe(200)
  }
})

test('two owners who delete their accounts at the same time leave an owner', async () => {
  const network = await index.network()
  const [ann, ben] = [await index.member({ [network]: 'owner' }), await index.member({ [network]: 'owner' })]
  meanwhile(interruptions, () => index.call(`DELETE /v1/users/${ben.user}`, { as: ben.ticket }))
  expect((await index.call(`DELETE /v1/users/${ann.user}`, { as: ann.ticket })).status).toBe(409)
  expect((await index.call(`GET /v1/networks/${network}`, { as: index.admin })).body.owners).toBe(1)
})

test('a write that is sent again because its answer was lost is known as one and the same', async () => {
  let lost = 0
  const { handle } = index.client.config.requestHandler
  index.client.config.requestHandler.handle = async (...given) => {
    const reply = await handle.apply(index.client.config.requestHandler, given)
    if (!`${given[0].headers['x-amz-target']}`.endsWith('TransactWriteItems') || lost++ > 0) return reply
    throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError' })
  }
  try {
    const body = { name: 'Ann', subject: 'https://id.example#lost' }
    expect((await index.call('POST /v1/users', { as: index.admin, body })).status).toBe(201)
    expect(lost).toBe(2)
  } finally {
    index.client.config.requestHandler.handle = handle
  }
})

test('what DynamoDB throttles is answered 503 with Retry-After', async () => {
  interruptions.beforeWrite = async () => {
    throw Object.assign(new Error('too fast'), { name: 'ThrottlingException' })
  }
  expect(await index.call('POST /v1/users', { as: index.admin, body: { name: 'x' } })).toMatchObject({
    status: 503,
    headers: { 'retry-after': '1' },
    body: { code: 'unavailable' },
  })
})

test('of 60 PUTs without If-Match that come at once, each is made', async () => {
  const network = await index.network()
  const door = `PUT /v1/objects/busy/one?network=${network}`
  await index.call(door, { as: index.admin, body: { value: { n: 0 } } })
  const puts = Array.from({ length: 60 }, (_, n) =>
    index.call(door, { as: index.admin, body: { value: { n } } }),
  )
  expect((await Promise.all(puts)).map(({ status }) => status)).toEqual(Array(60).fill(200))
  expect(
    (await index.call(`GET /v1/objects/busy/one?network=${network}`, { as: index.admin })).body.version,
  ).toBe(61)
})

test('16 writers on the same members, invites, objects and deletions break no rule', async () => {
  const networks: NetworkId[] = []
  for (let i = 0; i < 3; i++) networks.push(await index.network())
  const users = await Promise.all(
    Array.from({ length: 6 }, (_, i) =>
      index.member(
        Object.fromEntries(networks.map((network) => [network, i < 2 ? 'owner' : 'admin'] as const)),
      ),
    ),
  )
  const invites = await Promise.all(
    networks.map((network) =>
      index.call(`POST /v1/networks/${network}/invites`, { as: index.admin, body: {} }),
    ),
  )
  const codes = invites.map(({ body }) => body.code as string)
  const dice = randomFrom(7)
  const any = <T>(list: readonly T[]): T => list[Math.floor(dice() * list.length)]!
  const acts: readonly (() => Promise<unknown>)[] = [
    () =>
      index.call(`PUT ${memberDoor(any(networks), any(users).user)}`, {
        as: any([index.admin, any(users).ticket]),
        body: { role: any(['guest', 'member', 'admin', 'owner']) },
      }),
    () =>
      index.call(`PUT ${memberDoor(any(networks), any(users).user)}`, {
        as: index.admin,
        body: { state: any(['active', 'suspended', 'banned']) },
      }),
    () =>
      index.call(`DELETE ${memberDoor(any(networks), any(users).user)}`, {
        as: any([index.admin, any(users).ticket]),
      }),
    async () =>
      index.call('POST /v1/enrolments', {
        body: { invite: any(codes), proof: await index.proofOf(newDevice()) },
      }),
    () =>
      index.call(`PUT /v1/objects/storm/${any(['a', 'b', 'c'])}?network=${any(networks)}`, {
        as: any([index.admin, any(users).ticket]),
        body: { value: { n: dice() } },
      }),
    () =>
      index.call(`DELETE /v1/objects/storm/${any(['a', 'b', 'c'])}?network=${any(networks)}`, {
        as: index.admin,
      }),
    () =>
      index.call(`POST /v1/networks/${any(networks)}/invites`, {
        as: any([index.admin, any(users).ticket]),
        body: {},
      }),
  ]
  const writer = async (n: number) => {
    for (let i = 0; i < 12; i++) {
      await any(acts)()
      if (n === 0 && i === 6) await index.call(`DELETE /v1/networks/${networks[0]}`, { as: index.admin })
      if (n === 1 && i === 6) await index.call(`DELETE /v1/users/${users[5]!.user}`, { as: index.admin })
    }
  }
  await Promise.all(Array.from({ length: 16 }, (_, n) => writer(n)))
  await finishJobs()
  expect(await brokenInvariants(index.client)).toEqual([])
  const listed = await Promise.all(
    networks
      .slice(1)
      .map((network) => index.call(`GET /v1/networks/${network}/invites`, { as: index.admin })),
  )
  for (const { body } of listed)
    for (const { used, uses } of body.items) expect(used).toBeLessThanOrEqual(uses)
}, 120_000)

/** Returns a repeatable random number generator (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
