import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OpenIndex, openIndex } from './open-index.ts'
import type { Call } from './society.ts'

let index: OpenIndex
let next = 0

beforeAll(async () => {
  index = await openIndex()
})
afterAll(() => index.close())

function newObject(collection = 'boards') {
  const door = `/v1/objects/${collection}/o${next++}`
  return (method: string, call: Call) => index.call(`${method} ${door}`, call)
}

test('an object is made, replaced, patched and deleted, each at the version that was seen', async () => {
  const network = await index.network()
  const { ticket: as, user } = await index.member({ [network]: 'member' })
  const object = newObject()
  const made = await object('PUT', { as, body: { network, value: { level: 1, tags: ['a'] } } })
  expect(made).toMatchObject({
    status: 201,
    headers: { etag: '"1"' },
    body: { network, owner: user, version: 1 },
  })
  const replaced = await object('PUT', {
    as,
    body: { value: { level: 2, x: 0 } },
    headers: { 'If-Match': '"1"' },
  })
  expect(replaced).toMatchObject({ status: 200, body: { version: 2, network, value: { level: 2, x: 0 } } })
  const patched = await object('PATCH', {
    as,
    body: { value: { x: null, y: 1 } },
    headers: { 'If-Match': '"2"' },
  })
  expect(patched.body.value).toEqual({ level: 2, y: 1 })
  const stale = { as, headers: { 'If-Match': '"2"' } }
  expect((await object('PUT', { ...stale, body: { value: {} } })).status).toBe(412)
  expect((await object('PATCH', { ...stale, body: { value: {} } })).status).toBe(412)
  expect((await object('DELETE', stale)).status).toBe(412)
  expect((await object('DELETE', { as, headers: { 'If-Match': '"3"' } })).status).toBe(204)
  expect((await object('GET', { as })).status).toBe(404)
})

test('If-None-Match makes only, If-Match replaces only', async () => {
  const { ticket: as } = await index.member({})
  const object = newObject()
  const body = { value: {} }
  expect((await object('PUT', { as, body, headers: { 'If-Match': '"1"' } })).status).toBe(412)
  const makes = await Promise.all(
    [1, 2].map(() => object('PUT', { as, body, headers: { 'If-None-Match': '*' } })),
  )
  expect(makes.map(({ status }) => status).sort()).toEqual([201, 412])
})

test('a private object is for its owner and API keys', async () => {
  const network = await index.network()
  const [ann, ben] = [await index.member({ [network]: 'member' }), await index.member({ [network]: 'owner' })]
  const object = newObject()
  expect(
    (await object('PUT', { as: ann.ticket, body: { value: { secret: 1 } } })).body.network,
  ).toBeUndefined()
  expect((await object('GET', { as: ann.ticket })).status).toBe(200)
  expect((await object('GET', { as: index.reader })).status).toBe(200)
  expect((await object('GET', { as: ben.ticket })).status).toBe(404)
  expect((await object('PUT', { as: ben.ticket, body: { value: {} } })).body).toMatchObject({
    code: 'conflict',
    detail: 'There is an object of this id: choose another id',
  })
})

test('who leaves a network leaves the objects made there', async () => {
  const network = await index.network()
  const ann = await index.member({ [network]: 'member' })
  const object = newObject()
  await object('PUT', { as: ann.ticket, body: { network, value: {} } })
  await index.call(`DELETE /v1/networks/${network}/members/${ann.user}`, { as: ann.ticket })
  expect((await object('GET', { as: ann.ticket })).status).toBe(404)
  expect((await object('GET', { as: index.admin })).status).toBe(200)
})

test('members edit what a collection declares editable by members, guests do not', async () => {
  const network = await index.network()
  const [ann, ben, guest] = await Promise.all([
    index.member({ [network]: 'member' }),
    index.member({ [network]: 'member' }),
    index.member({ [network]: 'guest' }),
  ])
  const object = newObject('shared')
  await object('PUT', { as: ann.ticket, body: { network, value: {} } })
  const edit = async (as: string) => (await object('PATCH', { as, body: { value: { n: 1 } } })).status
  expect(await edit(ben.ticket)).toBe(403)
  await index.call('PUT /v1/collections/shared', { as: index.admin, body: { editable: 'members' } })
  expect([await edit(ben.ticket), await edit(guest.ticket)]).toEqual([200, 403])
})

test.each([
  ['users/x', { value: {} }, 404, 'kept for users'],
  ['Boards/x', { value: {} }, 404, 'collection'],
  ['boards/.x', { value: {} }, 404, 'no object id'],
  ['boards/x', { value: [] }, 400, 'value'],
  ['boards/x', {}, 400, 'value'],
  ['boards/x', { value: { text: 'x'.repeat(128 * 1024) } }, 413, 'value: is longer than 131072 bytes'],
  ['boards/x', { value: { '': 1 } }, 400, 'attribute name ""'],
  ['boards/x', '{"value":{"__proto__":{"a":1}}}', 400, '__proto__'],
  [
    'boards/x',
    { value: JSON.parse(`${'{"a":'.repeat(17)}1${'}'.repeat(17)}`) },
    400,
    'nested deeper than 16',
  ],
])('an object %s of %j is refused', async (name, body, status, detail) => {
  const { ticket: as } = await index.member({})
  expect(await index.call(`PUT /v1/objects/${name}`, { as, body })).toMatchObject({
    status,
    body: { detail: expect.stringContaining(detail) },
  })
})

test('an API key makes objects of networks, not private ones, and of networks that are there', async () => {
  const as = index.admin
  const object = newObject()
  expect((await object('PUT', { as, body: { value: {} } })).status).toBe(400)
  expect((await object('PUT', { as, body: { network: 'n_aaaaaaaaaaaaaaaa', value: {} } })).status).toBe(404)
  const network = await index.network()
  expect((await object('PUT', { as, body: { network, value: {} } })).body.owner).toBeUndefined()
  const other = await index.network()
  expect((await object('PUT', { as, body: { network: other, value: {} } })).status).toBe(400)
})

test('the declaration of a collection goes when it holds nothing', async () => {
  const network = await index.network()
  const as = index.admin
  const object = newObject('holding')
  await index.call('PUT /v1/collections/holding', { as, body: { searchable: ['value.a'] } })
  await object('PUT', { as, body: { network, value: {} } })
  expect((await index.call('DELETE /v1/collections/holding', { as })).status).toBe(409)
  await object('DELETE', { as })
  expect((await index.call('DELETE /v1/collections/holding', { as })).status).toBe(204)
  expect((await index.call('GET /v1/collections/holding', { as })).status).toBe(404)
})

test.each([
  [{ searchable: Array.from({ length: 17 }, (_, i) => `value.a${i}`) }, 'searchable'],
  [{ searchable: ['value..a'] }, 'no attribute path'],
  [{ editable: 'anybody' }, 'editable'],
])('the declaration %j is refused', async (body, detail) => {
  const answer = await index.call('PUT /v1/collections/c', { as: index.admin, body })
  expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining(detail) } })
})
