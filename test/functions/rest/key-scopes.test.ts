/** API keys that are limited: to operations, networks and collections, in time, and by a secret that is replaced. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { API } from '../../../functions/rest/api.ts'
import type { NetworkId } from '../../../shared/ids.ts'
import { type IndexUnderTest, startIndex } from './index-under-test.ts'
import { type Enrolled, newDevice } from './society.ts'

let index: IndexUnderTest
let [mine, other]: NetworkId[] = []
let member: Enrolled
let stranger: Enrolled
let both: Enrolled

beforeAll(async () => {
  index = await startIndex()
  ;[mine, other] = [await index.network('mine'), await index.network('other')]
  member = await index.member({ [mine!]: 'member' }, 'Mem')
  stranger = await index.member({ [other!]: 'member' }, 'Str')
  both = await index.member({ [mine!]: 'member', [other!]: 'member' }, 'Both')
  await admin('PUT /v1/collections/boards', {})
  for (const network of [mine, other])
    for (const collection of ['boards', 'notes'])
      await admin(`PUT /v1/objects/${collection}/o?network=${network}`, { value: { of: network } })
  await index.settle(3)
})
afterAll(() => index.close())

const admin = (door: string, body?: unknown) =>
  index.call(door, { as: index.admin, ...(body === undefined ? {} : { body }) })

async function keyWith(given: object): Promise<string> {
  const { status, body } = await admin('POST /v1/api-keys', { name: 'limited', role: 'admin', ...given })
  expect(status, JSON.stringify(body)).toBe(201)
  return body.token
}

const idOf = (token: string) => token.split('_')[1]
const statusOf = async (as: string, door: string, body?: unknown) =>
  (await index.call(door, { as, ...(body === undefined ? {} : { body }) })).status

describe('operations', () => {
  test('a key that may call one operation may call no other', async () => {
    const as = await keyWith({ operations: ['readNetwork'] })
    const parts: Readonly<Record<string, string>> = {
      ...{
        network: mine!,
        user: member.user,
        peer: member.peer,
        blocked: stranger.peer,
        collection: 'boards',
      },
      ...{ id: 'o', key: idOf(index.admin)!, invite: 'a'.repeat(26), job: `delete-${member.user}` },
      webhook: `w_${'a'.repeat(16)}`,
    }
    for (const { operation, method, path, who } of API) {
      const door = `${method} ${path.replace(/\{(\w+)\}/g, (_, name) => parts[name]!)}`
      const { status, body } = await index.call(door, { as })
      if (operation === 'readNetwork') expect(status).toBe(200)
      else if (who !== 'anybody')
        expect({ door, status, code: body?.code }).toEqual({ door, status: 403, code: 'forbidden' })
    }
    expect(await statusOf(as, `HEAD /v1/networks/${mine}`)).toBe(200)
    expect(await statusOf(as, 'HEAD /v1/users')).toBe(403)
  })

  test('an operation that there is not is refused', async () => {
    for (const operations of [
      ['readEverything'],
      ['constructor'],
      ['__proto__'],
      [],
      ['readUser', 7],
      'readUser',
    ])
      expect(await statusOf(index.admin, 'POST /v1/api-keys', { name: 'x', role: 'read', operations })).toBe(
        400,
      )
  })
})

describe('networks', () => {
  let as = ''
  let reads = ''
  beforeAll(async () => {
    as = await keyWith({ networks: [mine] })
    reads = await keyWith({ networks: [mine], role: 'read' })
  })

  test('does in its network what an owner does, and elsewhere there is nothing', async () => {
    const doors = (network: string, user: string): readonly (readonly [string, unknown?])[] => [
      [`GET /v1/networks/${network}`],
      [`GET /v1/networks/${network}/members`],
      [`GET /v1/networks/${network}/members/${user}`],
      [`GET /v1/networks/${network}/audit`],
      [`GET /v1/networks/${network}/invites`],
      [`GET /v1/users/${user}`],
      [`GET /v1/objects/boards/o?network=${network}`],
      [`GET /v1/objects/boards?network=${network}`],
      [`GET /v1/collections/boards?network=${network}`],
      [`GET /v1/users?network=${network}`],
    ]
    const writes = (network: string, user: string): readonly (readonly [string, unknown?])[] => [
      [`PATCH /v1/networks/${network}`, { attributes: { seen: true } }],
      [`PUT /v1/networks/${network}/members/${user}`, { role: 'guest' }],
      [`POST /v1/networks/${network}/invites`, {}],
      [`PUT /v1/objects/boards/made?network=${network}`, { value: {} }],
      [`PATCH /v1/objects/boards/made?network=${network}`, { value: { n: 1 } }],
      [`DELETE /v1/objects/boards/made?network=${network}`],
    ]
    for (const [door, body] of [...doors(mine!, member.user), ...writes(mine!, member.user)])
      expect(await statusOf(as, door, body), door).toBeLessThan(300)
    for (const [door, body] of [...doors(other!, stranger.user), ...writes(other!, stranger.user)])
      expect(await statusOf(as, door, body), door).toBe(404)
    for (const [door] of doors(mine!, member.user)) expect(await statusOf(reads, door), door).toBe(200)
    for (const [door, body] of writes(mine!, member.user))
      expect(await statusOf(reads, door, body), door).toBe(
        door.includes('/made') && !door.startsWith('PUT') ? 404 : 403,
      )
  })

  test('finds nothing of another network, whatever it asks', async () => {
    const names = async (query: Record<string, string>) =>
      (await index.call('GET /v1/search', { as, query })).body.items.map(
        (item: { name?: string; value?: { of: string } }) => item.name ?? item.value?.of,
      )
    expect(new Set(await names({ entity: 'user' }))).toEqual(new Set(['Mem', 'Both']))
    expect(await names({ entity: 'network' })).toEqual(['mine'])
    expect(await names({ entity: 'user', filter: 'name eq "Str"' })).toEqual([])
    expect(await names({ entity: 'object', collection: 'notes' })).toEqual([mine])
    expect(await statusOf(as, `GET /v1/search?entity=user&network=${other}`)).toBe(404)
  })

  test('does not see of a user which other networks it is in', async () => {
    expect((await index.call(`GET /v1/users/${both.user}`, { as })).body.networks).toEqual([mine])
  })

  test('is no user, and nothing of the whole deployment is its own', async () => {
    const doors: readonly (readonly [string, unknown?])[] = [
      ['POST /v1/networks', { name: 'x' }],
      ['POST /v1/users', { name: 'x' }],
      [`PATCH /v1/users/${member.user}`, { name: 'x' }],
      [`DELETE /v1/users/${member.user}`],
      [`GET /v1/users/${member.user}/memberships`],
      [`GET /v1/users/${member.user}/blocks`],
      [`PUT /v1/users/${member.user}/blocks/${stranger.peer}`],
      ['POST /v1/peers', { peer: newDevice().peer, user: member.user }],
      [`PATCH /v1/peers/${member.peer}`, { name: 'x' }],
      [`DELETE /v1/peers/${member.peer}`],
      ['GET /v1/collections'],
      ['PUT /v1/collections/boards', {}],
      ['DELETE /v1/collections/boards'],
      ['GET /v1/api-keys'],
      ['POST /v1/api-keys', { name: 'x', role: 'read', networks: [mine] }],
      [`DELETE /v1/api-keys/${idOf(index.admin)}`],
      [`POST /v1/api-keys/${idOf(index.admin)}/rotations`, {}],
      ['GET /v1/audit'],
      ['GET /v1/webhooks'],
      ['POST /v1/webhooks', { name: 'x', url: 'https://example.com/', events: ['user.*'] }],
      ['GET /v1/jobs'],
      // An invite that names a user binds a peer to it.
      [`POST /v1/networks/${mine}/invites`, { user: member.user }],
    ]
    for (const [door, body] of doors) expect(await statusOf(as, door, body), door).toBe(403)
    expect(await statusOf(as, `GET /v1/objects/boards/o?owner=${member.user}`)).toBe(404)
    // The answer does not tell if other networks hold the collection.
    expect(await statusOf(as, 'GET /v1/collections/boards')).toBe(404)
  })

  test('invites whom it shares a network with, and adds no other user of the deployment', async () => {
    expect(await statusOf(as, `PUT /v1/networks/${mine}/members/${stranger.user}`, {})).toBe(404)
    const { body } = await admin(`POST /v1/networks`, { name: 'second' })
    const wide = await keyWith({ networks: [mine, body.network] })
    const added = await index.call(`PUT /v1/networks/${body.network}/members/${member.user}`, {
      as: wide,
      body: {},
    })
    expect(added).toMatchObject({ status: 200, body: { state: 'invited' } })
  })

  test('sees the job that it started, and no other', async () => {
    const doomed = await index.network('doomed')
    const own = await keyWith({ networks: [doomed] })
    const { body } = await index.call(`DELETE /v1/networks/${doomed}`, { as: own })
    expect(await statusOf(own, `GET /v1/jobs/${body.job}`)).toBe(200)
    expect(await statusOf(as, `GET /v1/jobs/${body.job}`)).toBe(404)
    expect(await statusOf(as, `DELETE /v1/networks/${doomed}`)).toBe(404)
  })
})

test('a key of some collections uses no other', async () => {
  const as = await keyWith({ collections: ['boards'] })
  expect(await statusOf(as, `GET /v1/objects/boards/o?network=${mine}`)).toBe(200)
  expect(await statusOf(as, 'GET /v1/search?entity=object&collection=boards')).toBe(200)
  for (const door of [
    `GET /v1/objects/notes/o?network=${mine}`,
    'GET /v1/objects/notes',
    'GET /v1/search?entity=object&collection=notes',
    `GET /v1/collections/notes?network=${mine}`,
    `GET /v1/objects/%6eotes/o?network=${mine}`,
    'GET /v1/collections',
    'GET /v1/webhooks',
    'GET /v1/audit',
    'GET /v1/api-keys',
  ])
    expect(await statusOf(as, door), door).toBe(403)
  expect(await statusOf(as, `PUT /v1/objects/notes/new?network=${mine}`, { value: {} })).toBe(403)
})

describe('a key makes no key that may do more', () => {
  const operations = ['createApiKey', 'rotateApiKey', 'listUsers']
  test.each([
    [{ operations: ['listUsers'], role: 'admin' }, 201],
    [{ operations: ['listUsers', 'createUser'], role: 'admin' }, 403],
    [{ role: 'admin' }, 403],
    [{ role: 'read' }, 403],
    [{ operations: ['listUsers'], role: 'read', networks: ['n_aaaaaaaaaaaaaaaa'] }, 201],
  ])('%j: %i', async (given, status) => {
    const as = await keyWith({ operations })
    expect(await statusOf(as, 'POST /v1/api-keys', { name: 'made', ...given })).toBe(status)
  })

  test('nor one that lasts longer, nor does it learn the secret of a mightier one', async () => {
    const until = index.now() + 3600_000
    const as = await keyWith({ operations, expiresAt: until })
    const make = (expiresAt?: number) =>
      statusOf(as, 'POST /v1/api-keys', {
        name: 'x',
        role: 'read',
        operations,
        ...(expiresAt && { expiresAt }),
      })
    expect(await make()).toBe(403)
    expect(await make(until + 1)).toBe(403)
    expect(await make(until)).toBe(201)
    expect(await statusOf(as, `POST /v1/api-keys/${idOf(index.admin)}/rotations`, {})).toBe(403)
    expect(await statusOf(as, `POST /v1/api-keys/${idOf(as)}/rotations`, {})).toBe(200)
  })
})

test('a key ends when it expires, and so do its invites', async () => {
  const expiresAt = index.now() + 60_000
  const as = await keyWith({ expiresAt })
  const { code } = (await index.call(`POST /v1/networks/${mine}/invites`, { as, body: {} })).body
  const enrol = async () => {
    const proof = await index.proofOf(newDevice())
    return (await index.call('POST /v1/enrolments', { body: { invite: code, proof } })).status
  }
  expect(await statusOf(as, 'GET /v1/users')).toBe(200)
  index.pass(60_000)
  expect(await statusOf(as, 'GET /v1/users')).toBe(401)
  expect(await enrol()).toBe(410)
  expect(
    await statusOf(index.admin, 'POST /v1/api-keys', { name: 'x', role: 'read', expiresAt: index.now() }),
  ).toBe(400)
})

test('the secret before works for the time given, and a second rotation ends it', async () => {
  const first = await keyWith({ role: 'read' })
  const rotate = async (graceMs?: number) =>
    (await admin(`POST /v1/api-keys/${idOf(first)}/rotations`, graceMs === undefined ? {} : { graceMs })).body
      .token
  const works = async (token: string) => (await statusOf(token, 'GET /v1/users')) === 200
  const second = await rotate(60_000)
  expect([await works(first), await works(second)]).toEqual([true, true])
  index.pass(60_000)
  expect([await works(first), await works(second)]).toEqual([false, true])
  const third = await rotate()
  expect([await works(second), await works(third)]).toEqual([true, true])
  const fourth = await rotate(0)
  expect(await Promise.all([first, second, third, fourth].map(works))).toEqual([false, false, false, true])
})

test('two rotations at the same time are one after the other', async () => {
  const token = await keyWith({ role: 'read' })
  const door = `POST /v1/api-keys/${idOf(token)}/rotations`
  const made = await Promise.all([admin(door, {}), admin(door, {})])
  expect(made.map(({ status }) => status)).toEqual([200, 200])
  for (const { body } of made) expect(await statusOf(body.token, 'GET /v1/users')).toBe(200)
  expect(await statusOf(token, 'GET /v1/users')).toBe(401)
})

test('keys are listed with their last use', async () => {
  const token = await keyWith({ role: 'read' })
  const read = async () => (await admin(`GET /v1/api-keys/${idOf(token)}`)).body
  expect(await read()).not.toHaveProperty('lastUsedAt')
  await statusOf(token, 'GET /v1/users')
  const used = index.now()
  expect(await read()).toMatchObject({ lastUsedAt: used })
  index.pass(60_000)
  await statusOf(token, 'GET /v1/users')
  expect((await read()).lastUsedAt).toBe(used)
  const keys = []
  let cursor: string | undefined
  do {
    const { body } = await index.call('GET /v1/api-keys', {
      as: index.admin,
      query: { limit: '1', ...(cursor && { cursor }) },
    })
    keys.push(...body.items)
    cursor = body.cursor
  } while (cursor !== undefined)
  expect(new Set(keys.map(({ key }) => key)).size).toBe(keys.length)
  expect(keys.find(({ key }) => key === idOf(token))).toMatchObject({ lastUsedAt: used })
  expect(JSON.stringify(keys)).not.toMatch(/[hH]ash|~used/)
})

test('a limited admin key is not the one that must stay', async () => {
  await keyWith({ expiresAt: index.now() + 3600_000 })
  const elsewhere = await startIndex({}, { indexed: false })
  const as = elsewhere.admin
  await elsewhere.call('POST /v1/api-keys', {
    as,
    body: { name: 'x', role: 'admin', operations: ['listUsers'] },
  })
  expect((await elsewhere.call(`DELETE /v1/api-keys/${idOf(as)}`, { as })).status).toBe(409)
  await elsewhere.close()
})
