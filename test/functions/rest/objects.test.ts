import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OpenIndex, openIndex } from './open-index.ts'
import type { Call } from './society.ts'

let index: OpenIndex
let next = 0

beforeAll(async () => {
  index = await openIndex()
})
afterAll(() => index.close())

/** Names an object that does not exist yet, in the network, or private to the caller. */
function newObject(network?: string, collection = 'boards') {
  const door = `/v1/objects/${collection}/o${next++}${network === undefined ? '' : `?network=${network}`}`
  return (method: string, call: Call) => index.call(`${method} ${door}`, call)
}

test('an object is made, replaced, patched and deleted, each at the version that was seen', async () => {
  const network = await index.network()
  const { ticket: as, user } = await index.member({ [network]: 'member' })
  const object = newObject(network)
  const made = await object('PUT', { as, body: { value: { level: 1, tags: ['a'] } } })
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
  expect((await object('GET', { as: index.reader, query: { owner: ann.user } })).status).toBe(200)
  expect((await object('GET', { as: index.reader })).status).toBe(400)
  expect((await object('GET', { as: ben.ticket })).status).toBe(404)
  expect((await object('GET', { as: ben.ticket, query: { owner: ann.user } })).status).toBe(404)
})

test('nobody takes an object id from another tenant, or learns that it is taken', async () => {
  const [ours, theirs] = [await index.network(), await index.network()]
  const ann = await index.member({ [ours]: 'owner' })
  const squatter = await index.member({ [theirs]: 'owner' })
  const door = '/v1/objects/squatted/settings'
  const put = (as: string, query: Readonly<Record<string, string>>, who: string) =>
    index.call(`PUT ${door}`, { as, query, body: { value: { who } } })
  const makes = [
    await put(squatter.ticket, { network: theirs }, 'squatter'),
    await put(squatter.ticket, {}, 'squatter, private'),
    await put(ann.ticket, { network: ours }, 'ann'),
    await put(ann.ticket, {}, 'ann, private'),
  ]
  expect(makes.map(({ status }) => status)).toEqual([201, 201, 201, 201])
  expect((await index.call(`GET ${door}`, { as: ann.ticket, query: { network: ours } })).body.value).toEqual({
    who: 'ann',
  })
  const free = '/v1/objects/squatted/free'
  for (const place of [{ network: ours }, { owner: ann.user }])
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
      const call = { as: squatter.ticket, query: place, ...(method !== 'GET' && { body: { value: {} } }) }
      const [taken, untaken] = [
        await index.call(`${method} ${door}`, call),
        await index.call(`${method} ${free}`, call),
      ]
      expect(taken, method).toMatchObject({ status: 404, body: untaken.body })
      expect(untaken.status, method).toBe(404)
    }
})

test('a peer is told of a collection that a place of it holds, and of no other', async () => {
  const [ours, theirs] = [await index.network(), await index.network()]
  const [ann, spy] = [await index.member({ [ours]: 'member' }), await index.member({ [theirs]: 'owner' })]
  const as = index.admin
  const door = 'GET /v1/collections/tender'
  await index.call('PUT /v1/collections/tender', { as, body: { searchable: ['value.price'] } })
  const ask = (who: string, query = {}) => index.call(door, { as: who, query })
  expect((await ask(ann.ticket, { network: ours })).status).toBe(404)
  await index.call(`PUT /v1/objects/tender/o?network=${ours}`, { as: ann.ticket, body: { value: {} } })
  expect((await ask(ann.ticket, { network: ours })).body.searchable).toEqual(['value.price'])
  const unknown = await index.call('GET /v1/collections/unknown', { as: spy.ticket })
  for (const query of [{}, { network: theirs }])
    expect(await ask(spy.ticket, query)).toMatchObject({ status: 404, body: unknown.body })
  expect((await ask(spy.ticket, { network: ours })).status).toBe(404)
  await index.call('PUT /v1/objects/tender/mine', { as: spy.ticket, body: { value: {} } })
  expect((await ask(spy.ticket)).status).toBe(200)
  expect((await ask(index.reader)).status).toBe(200)
  expect((await index.call('GET /v1/collections', { as: spy.ticket })).status).toBe(403)
})

test('a place that is named twice, or in the body, is refused', async () => {
  const network = await index.network()
  const { ticket: as, user } = await index.member({ [network]: 'member' })
  const door = 'PUT /v1/objects/boards/placed'
  const twice = await index.call(door, { as, query: { network, owner: user }, body: { value: {} } })
  expect(twice).toMatchObject({ status: 400, body: { detail: expect.stringContaining('not both') } })
  expect((await index.call(door, { as, body: { network, value: {} } })).status).toBe(400)
})

test('who leaves a network leaves the objects made there', async () => {
  const network = await index.network()
  const ann = await index.member({ [network]: 'member' })
  const object = newObject(network)
  await object('PUT', { as: ann.ticket, body: { value: {} } })
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
  const object = newObject(network, 'shared')
  await object('PUT', { as: ann.ticket, body: { value: {} } })
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
  const body = { value: {} }
  expect((await newObject()('PUT', { as, body })).status).toBe(400)
  const { user } = await index.member({})
  expect((await newObject()('PUT', { as, body, query: { owner: user } })).status).toBe(400)
  expect((await newObject('n_aaaaaaaaaaaaaaaa')('PUT', { as, body })).status).toBe(404)
  const network = await index.network()
  expect((await newObject(network)('PUT', { as, body })).body.owner).toBeUndefined()
})

test('the declaration of a collection goes when it holds nothing', async () => {
  const network = await index.network()
  const as = index.admin
  const object = newObject(network, 'holding')
  await index.call('PUT /v1/collections/holding', { as, body: { searchable: ['value.a'] } })
  await object('PUT', { as, body: { value: {} } })
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
